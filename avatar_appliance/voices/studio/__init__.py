"""The studio: a child process that opens recordings from strangers, and dies rather than its parent.

Decoding is where a media library meets bytes that somebody chose, so it happens in a process with bounds on memory,
CPU time and files, which is killed at a deadline and of which nothing but one JSON line and one WAV file comes back
(docs/decisions/0025). Measuring happens there, too: NumPy, PyAV and the word counter stay out of the control plane.
Nothing in here may be imported by the control plane but `bounds`.
"""
