"""The live city: wall clock, devices and the age of what they last said."""
