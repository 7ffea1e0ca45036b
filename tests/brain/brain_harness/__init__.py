"""What the tests of the brain share."""
