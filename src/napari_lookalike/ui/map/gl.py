"""Dots drawn by OpenGL, through vispy's gloo, into a picture.

There is no second OpenGL canvas in the window: a canvas in a dock loses its context, and
all that it had uploaded, when the dock is floated. The context here belongs to no window, so
docking, screenshots and what is painted above the dots go on as with any other widget.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtGui import QColor, QImage, QOffscreenSurface, QOpenGLContext

from napari_lookalike.ui.map.geometry import View
from napari_lookalike.ui.map.scene import Dots

MOST_COLOURS = 64
_POINT_SPRITE, _PROGRAM_POINT_SIZE = 0x8861, 0x8642
_RIM_PX = 1.0
_BLEND = ("one", "one_minus_src_alpha")
"""Premultiplied: the picture lies over lines and arrows."""

# The shapes are those of the legend (`palette.shape_path`).
_VERTEX = f"""
attribute vec2 a_place;
attribute float a_category;
attribute float a_shape;
uniform vec2 u_scale;
uniform vec2 u_shift;
uniform float u_side;
uniform vec3 u_colours[{MOST_COLOURS}];
varying vec4 v_look;
void main() {{
    gl_Position = vec4(a_place * u_scale + u_shift, 0.0, 1.0);
    gl_PointSize = u_side;
    v_look = vec4(u_colours[int(a_category + 0.5)], a_shape);
}}
"""

_SMALL_VERTEX = _VERTEX.replace("attribute float a_shape;\n", "").replace(", a_shape)", ", 0.0)")
_FRAGMENT = """
uniform float u_side;
uniform float u_radius;
uniform float u_opacity;
uniform vec3 u_rim;
uniform float u_rim_width;
varying vec4 v_look;
float triangle(vec2 p) {
    return max(p.y - 0.8, (abs(p.x) * 1.95 - (p.y + 1.15) * 1.08) / 2.2291);
}
float pentagon(vec2 p) {
    float angle = mod(atan(p.x, p.y) + 0.6283185, 1.2566371) - 0.6283185;
    return length(p) * cos(angle) - 0.89;
}
float outside(vec2 p, float shape) {
    if (shape < 0.5) return length(p) - 1.0;
    if (shape < 1.5) return max(abs(p.x), abs(p.y)) - 0.86;
    if (shape < 2.5) return triangle(p);
    if (shape < 3.5) return (abs(p.x) + abs(p.y) - 1.22) * 0.7071068;
    if (shape < 4.5) return triangle(vec2(p.x, -p.y));
    return pentagon(p);
}
void main() {
    vec2 p = (gl_PointCoord - 0.5) * u_side / u_radius;
    float d = outside(p, v_look.w) * u_radius;
    float cover = clamp(0.5 - d, 0.0, 1.0);
    if (cover <= 0.0) discard;
    float rim = clamp(d + u_rim_width + 0.5, 0.0, 1.0);
    float alpha = cover * u_opacity;
    gl_FragColor = vec4(mix(v_look.rgb, u_rim, rim) * alpha, alpha);
}
"""


# Small dots are squares: without shape, rim and smooth edge they are drawn in half the time.
_SMALL_FRAGMENT = """
uniform float u_opacity;
varying vec4 v_look;
void main() {
    gl_FragColor = vec4(v_look.rgb * u_opacity, u_opacity);
}
"""
SMALL = 3.0
"""Radius, widget pixels, below which dots are small."""


class GlDots:
    """Draws dots by OpenGL. Window's thread only.

    Raises
    ------
    OSError
        If there is no OpenGL here.
    """

    def __init__(self) -> None:
        self._surface, self._context = QOffscreenSurface(), QOpenGLContext()
        self._surface.create()
        if not self._context.create() or not self._context.makeCurrent(self._surface):
            raise OSError("there is no OpenGL here")
        from vispy import gloo
        from vispy.gloo.context import FakeCanvas

        self._gloo: Any = gloo
        self._canvas = FakeCanvas()
        self._programs: dict[bool, Any] = self._with_canvas(self._make_programs)
        self._target: Any = None
        self._size = (0, 0)
        self._dots: Dots | None = None
        self._places: object = None
        self._origin, self._unit = np.zeros(2), 1.0
        self._context.doneCurrent()

    def _make_programs(self) -> dict[bool, Any]:
        """Whether dots are small -> what draws them."""
        make = self._gloo.Program
        return {False: make(_VERTEX, _FRAGMENT), True: make(_SMALL_VERTEX, _SMALL_FRAGMENT)}

    def _with_canvas(self, act: Callable[[], Any]) -> Any:
        """Do something while vispy's current canvas is ours; afterwards it is napari's again."""
        from vispy.gloo.context import forget_canvas, set_current_canvas

        set_current_canvas(self._canvas)
        try:
            return act()
        finally:
            # The one before becomes the current one; what napari makes next belongs to it.
            forget_canvas(self._canvas)

    @cached_property
    def renderer(self) -> str:
        """What draws ("llvmpipe", or a graphics card)."""
        self._context.makeCurrent(self._surface)
        try:
            return str(self._gloo.gl.glGetParameter(0x1F01))
        finally:
            self._context.doneCurrent()

    def close(self) -> None:
        """Let go of the context; nothing can be drawn afterwards."""
        self._context.makeCurrent(self._surface)
        self._context.doneCurrent()
        self._surface.destroy()

    def draw(
        self,
        dots: Dots,
        rows: NDArray[np.int64] | None,
        view: View,
        radius: float,
        ratio: float,
        rim: QColor | None,
    ) -> QImage:
        """A picture of the dots on nothing, device pixels.

        Parameters
        ----------
        dots
            All of them; uploaded when they are others than before.
        rows
            Which are drawn; ``None`` = all.
        view
            Which part of the plane is seen.
        radius
            Of a dot, widget pixels.
        ratio
            Device pixels per widget pixel.
        rim
            Colour of the dots' edge; ``None`` = small squares without edge.
        """
        size = (max(1, round(view.size[0] * ratio)), max(1, round(view.size[1] * ratio)))
        self._context.makeCurrent(self._surface)
        try:
            pixels: NDArray[np.uint8] = self._with_canvas(
                lambda: self._frame(dots, rows, view, radius * ratio, size, rim)
            )
        finally:
            self._context.doneCurrent()
        pixels = np.ascontiguousarray(pixels)
        image = QImage(pixels.data, *size, 4 * size[0], QImage.Format.Format_RGBA8888_Premultiplied)
        image = image.copy()  # the copy owns its pixels
        image.setDevicePixelRatio(ratio)
        return image

    def _frame(
        self,
        dots: Dots,
        rows: NDArray[np.int64] | None,
        view: View,
        radius: float,
        size: tuple[int, int],
        rim: QColor | None,
    ) -> Any:
        gloo = self._gloo
        small = rim is None
        gloo.gl.glEnable(_PROGRAM_POINT_SIZE)
        # Without it points are squares without coordinates of their own, which is faster.
        (gloo.gl.glDisable if small else gloo.gl.glEnable)(_POINT_SPRITE)
        self._upload(dots)
        self._aim(self._programs[small], view, radius, rim)
        if size != self._size:
            if self._target is not None:
                self._target.delete()
            self._target = gloo.FrameBuffer(color=gloo.Texture2D((size[1], size[0], 4)))
            self._size = size
        with self._target:
            gloo.set_viewport(0, 0, *size)
            gloo.set_state(depth_test=False, cull_face=False, blend=True, blend_func=_BLEND)
            gloo.clear(color=(0.0, 0.0, 0.0, 0.0))
            shown = dots.shown
            for on, opacity in ((False, 0.18), (True, 1.0)):
                self._programs[small]["u_opacity"] = opacity
                self._draw_rows(self._programs[small], rows, shown, on)
            return gloo.read_pixels((0, 0, *size), alpha=True)

    def _draw_rows(
        self, program: Any, rows: NDArray[np.int64] | None, shown: NDArray[np.bool_], on: bool
    ) -> None:
        """Draw those of the rows that are shown, or those that are not."""
        if rows is None and shown.all():
            if on and len(shown):
                program.draw("points")
            return
        chosen = np.arange(len(shown)) if rows is None else rows
        chosen = chosen[shown[chosen] == on]
        if len(chosen):
            program.draw("points", self._gloo.IndexBuffer(chosen.astype(np.uint32)))

    def _upload(self, dots: Dots) -> None:
        if dots is self._dots:
            return
        n = len(dots.of)
        if n and dots.places is not self._places:
            self._set("a_place", self._centred(dots.places.points))
            self._places = dots.places
        if n:
            shapes = dots.shapes if len(dots.shapes) == n else np.zeros(n)
            self._set("a_category", (np.asarray(dots.of) % MOST_COLOURS).astype(np.float32))
            self._set("a_shape", np.asarray(shapes).astype(np.float32))
        colours = np.full((MOST_COLOURS, 3), 0.6)
        colours[: len(dots.palette)] = dots.rgb[:MOST_COLOURS] / 255.0
        for i, colour in enumerate(colours.tolist()):
            self._set(f"u_colours[{i}]", tuple(colour))
        self._dots = dots

    def _centred(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """The points around 0, at most 1 away: float32 is coarse far from 0."""
        data = np.asarray(points, np.float64).reshape(-1, 2)
        finite = data[np.isfinite(data).all(axis=1)]
        self._origin = finite.mean(axis=0) if len(finite) else np.zeros(2)
        self._unit = float(np.abs(finite - self._origin).max(initial=0.0)) or 1.0
        # What is nowhere is drawn far outside.
        return np.nan_to_num((data - self._origin) / self._unit, nan=1e6).astype(np.float32)

    def _set(self, name: str, value: Any) -> None:
        """Hand something to each program that knows it."""
        if isinstance(value, np.ndarray):
            value = self._gloo.VertexBuffer(value)
        for small, program in self._programs.items():
            if not (small and name == "a_shape"):
                program[name] = value

    def _aim(self, program: Any, view: View, radius: float, rim: QColor | None) -> None:
        half = np.array(view.size) / 2
        program["u_scale"] = tuple(self._unit * view.scale / half)
        program["u_shift"] = tuple((self._origin - view.centre) * view.scale / half)
        program["u_side"] = 2 * (radius * 1.25 + 1.5)
        if rim is None:
            program["u_side"] = max(1.0, 2 * radius)
            return
        program["u_radius"] = radius
        program["u_rim_width"] = _RIM_PX
        program["u_rim"] = (rim.redF(), rim.greenF(), rim.blueF())


@cache
def shared_dots() -> GlDots | None:
    """The one of this process; ``None`` where there is no OpenGL."""
    try:
        made = GlDots()
    except (OSError, RuntimeError):
        return None
    # Qt ends at exit too, and must find no surface left.
    atexit.register(made.close)
    return made
