"""What tests of voice profiles work with: recordings made on the fly, and workers on real sockets."""
