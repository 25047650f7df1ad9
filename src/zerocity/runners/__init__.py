"""One port for work over shards: map(function, shards)."""
