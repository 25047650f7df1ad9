"""What a pack is, holds, does and becomes."""
