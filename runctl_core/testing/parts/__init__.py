"""The provider contract in parts, one topic each."""
