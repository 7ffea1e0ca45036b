"""What the tests of the wire share."""
