"""Measurements that need a window: readers replay one trace, each in its own process.

readers      how each reader puts the slide into a viewer
gestures     real mouse and wheel events
window       the viewer, its event loop, and when a view counts as settled
truth        what should be seen
replay       the process that measures one reader
runs         starts those processes, and survives them
"""
