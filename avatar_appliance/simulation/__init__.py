"""A world for the scheduler to live in: devices, worker processes and strangers on a virtual clock.

The scheduler is the real one, all else is arithmetic; a day passes in seconds. Property tests and `avatar simulate-day`
share it. Nothing here touches a process, a device or the clock of the machine.
"""
