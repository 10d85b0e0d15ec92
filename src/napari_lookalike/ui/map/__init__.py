"""The map of slides: how many points are placed, found, drawn and chosen.

geometry   which part of the plane is seen
grid       which points lie where, without looking at all of them
scene      what is shown, as frozen values
detail     how it is drawn: density, dots or pictures
density    many points as one picture
gl         dots by OpenGL (vispy), into a picture
plain      the same without OpenGL
marks      lines, arrows, rings, letters and thumbnails above the dots
finding    which points of a scene lie where on the widget
gesture    a press of the mouse: click, pan, rectangle or lasso
scatter    the widget
"""
