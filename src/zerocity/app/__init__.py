"""The parts joined: the only place that knows them all."""
