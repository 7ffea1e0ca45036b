"""Voice profiles: a person's voice from half a minute of speech, checked, kept, and listed for the cloning workers.

`voice_index` is all that the data plane and the workers use of it, and imports nothing but the standard library.
"""
