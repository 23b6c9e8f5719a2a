"""Ten garments drawn by formula, 28x28 and grey.

A garment is a stack of flat pieces. A piece is a signed distance d(x, y), negative inside, that depends on
a few random numbers (lengths, widths, angles), so that shape, size, sleeves, collar, texture and brightness
vary continuously. Coordinates: x to the right, y *down*, both in [-1, 1]; a pixel is 1/14 wide. Toes point to
the left.

The many small numbers below are measurements of clothes, in half picture widths, and shares of wearers (0.3:
three in ten). They were chosen by looking at the pictures.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

PI = 3.14159265


def smoothstep(start: Tensor | float, stop: Tensor | float, t: Tensor) -> Tensor:
    """0 before `start`, 1 after `stop`, 3u^2 - 2u^3 in between."""
    u = ((t - start) / (stop - start)).clamp(0, 1)
    return u * u * (3 - 2 * u)


def stroke(x, y, ax, ay, bx, by, ra, rb) -> Tensor:
    """Signed distance to a stroke from (ax, ay), `ra` thick, to (bx, by), `rb` thick (exact if ra = rb)."""
    dx, dy = bx - ax, by - ay
    t = (((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)).clamp(0, 1)
    return torch.hypot(x - ax - t * dx, y - ay - t * dy) - (ra + t * (rb - ra))


def box(x, y, cx, cy, hx, hy, r=0.0) -> Tensor:
    """Signed distance to a rectangle of half sizes (hx, hy) around (cx, cy), its corners rounded by `r`."""
    qx, qy = (x - cx).abs() - hx + r, (y - cy).abs() - hy + r
    return torch.hypot(qx.clamp(min=0), qy.clamp(min=0)) + torch.maximum(qx, qy).clamp(max=0) - r


def ellipse(x, y, cx, cy, rx, ry) -> Tensor:
    """Signed function of an ellipse: zero on it, negative inside, about a distance near it."""
    return (torch.hypot((x - cx) / rx, (y - cy) / ry) - 1) * torch.minimum(rx, ry)


def inside(*distances: Tensor) -> Tensor:
    """The part that all pieces share: the largest of the signed distances."""
    result = distances[0]
    for distance in distances[1:]:
        result = torch.maximum(result, distance)
    return result


class Sheet:
    """n empty images, their coordinates x and y (n, 28, 28), and the random numbers of a garment on each."""

    def __init__(self, n: int, rng: torch.Generator) -> None:
        self.n, self.rng = n, rng
        self.value = torch.zeros(n, 28, 28)
        grid = (torch.arange(28) + 0.5) / 14 - 1
        x, y = grid.view(1, 1, 28) - self.normal(0.02), grid.view(1, 28, 1) - self.normal(0.015)
        angle, shear = self.normal(0.03), self.normal(0.02)
        self.x = (x + (angle + shear) * y) / self.uniform(0.94, 1.07)
        self.y = (y - angle * x) / self.uniform(0.95, 1.04)
        self.side = self.x.abs()

    def uniform(self, low: float, high: float) -> Tensor:
        """One number per image."""
        return low + (high - low) * torch.rand(self.n, 1, 1, generator=self.rng)

    def normal(self, sigma: float) -> Tensor:
        return sigma * torch.randn(self.n, 1, 1, generator=self.rng).clamp(-2.5, 2.5)

    def chance(self, p: float) -> Tensor:
        """True for a share `p` of the images."""
        return torch.rand(self.n, 1, 1, generator=self.rng) < p

    def either(self, p: float, yes: tuple[float, float], no: tuple[float, float]) -> Tensor:
        """Uniform on the interval `yes` with probability `p`, else on `no`."""
        return torch.where(self.chance(p), self.uniform(*yes), self.uniform(*no))

    def left_right(self, sigma: float) -> Tensor:
        """A number for each side of the garment: nobody lays out two sleeves alike."""
        return torch.where(self.x < 0, self.normal(sigma), self.normal(sigma))

    def paint(self, distance: Tensor, tone: Tensor | float, where: Tensor | None = None) -> None:
        """Lay a piece of this tone over the images (`where`: over these only). Its edge is one pixel soft."""
        cover = (0.5 - distance * 14).clamp(0, 1)
        if where is not None:
            cover = cover * where
        self.value += cover * (tone - self.value)

    def cut(self, distance: Tensor, where: Tensor | None = None) -> None:
        self.paint(distance, 0.0, where)

    def fabric(self, dark: float, light: float, patterned: float, grain: float = 0.04) -> Tensor:
        """Tones (n, 28, 28): brightness, folds, light, grain; a share `patterned` has stripes or checks."""
        tone = dark + (light - dark) * self.uniform(0, 1).sqrt()
        tone = tone + self.normal(0.06) * self.x + self.normal(0.05) * self.y
        for _ in range(2):
            turns = self.normal(4.5) * self.x + self.normal(3.0) * self.y
            tone = tone + self.uniform(0, 0.07) * torch.sin(turns + self.uniform(0, 2 * PI))
        skew = self.chance(0.35) * self.normal(0.6)
        u, v = self.x + skew * self.y, self.y - skew * self.x
        across = torch.sin(self.uniform(9, 22) * u + self.uniform(0, 2 * PI))
        along = torch.sin(self.uniform(9, 24) * v + self.uniform(0, 2 * PI) + self.chance(0.3) * 2 * across)
        rows = self.chance(0.65)
        wave = rows * along + (~rows | self.chance(0.3)) * across
        contrast = self.chance(patterned) * self.uniform(-0.35, 0.35)
        noise = torch.randn(self.n, 28, 28, generator=self.rng)
        tone = tone + contrast * (self.uniform(1, 4) * wave).clamp(-1, 1)
        return (tone + self.uniform(0, 1) ** 2 * grain * noise).clamp(0.14, 1.0)

    def shift(self, tone: Tensor, low: float, high: float) -> Tensor:
        """The tone of a piece beside the cloth: darker or lighter by a uniform amount."""
        return (tone + self.uniform(low, high)).clamp(0.06, 1.0)

    def torso(self, half: Tensor, bottom: Tensor, waist: Tensor, hem: Tensor) -> Tensor:
        """From the shoulders to `bottom`; `half` wide, less `waist` in the middle, plus `hem` at the end."""
        t = ((self.y + 0.9) / (bottom + 0.9)).clamp(0, 1)
        half = half - waist * torch.sin(PI * t) + hem * t * t
        shoulder = -0.97 + self.uniform(0.12, 0.25) * self.side + 0.35 * self.side.pow(4)
        edge = bottom + self.normal(0.03) * self.x.square()
        return inside(self.side - half, shoulder - self.y, self.y - edge)

    def arms(self, half: Tensor, out: Tensor, down: Tensor, start: Tensor, end: Tensor, tone: Tensor) -> None:
        """Two sleeves from the shoulders to (half + out, down); their radius goes from `start` to `end`."""
        x, y = half - start * 0.7, start * 0.75 - 0.78
        to_x, to_y = half + out + self.left_right(0.03), down + self.left_right(0.03)
        self.paint(stroke(self.side, self.y, x, y, to_x, to_y, start, end), tone)

    def neck(self, width: Tensor, depth: Tensor, vee: Tensor, body: Tensor, trim: Tensor) -> None:
        """Cut the opening for the head, round or (where `vee`) pointed, with a line `trim` along its edge."""
        down = self.y + 0.97
        curve = torch.where(vee, 1 - down / (1.4 * depth), (1 - (down / depth).clamp(0, 1).square()).sqrt())
        opening = torch.maximum(self.side - width * curve, down - depth * torch.where(vee, 1.4, 1.0))
        self.paint(inside(opening - 0.07, body), trim)
        self.cut(opening)

    def buttons(self, top: float, bottom: Tensor, count: Tensor, tone: Tensor, where: Tensor) -> None:
        pitch = (bottom - top) / count
        offset = (self.y - top) - pitch * ((self.y - top) / pitch).round()
        dots = torch.hypot(self.x, offset) - 0.035
        self.paint(inside(dots, top - 0.04 - self.y, self.y - bottom), tone, where)


def t_shirt(s: Sheet) -> None:
    half, bottom, cloth = s.uniform(0.42, 0.56), s.uniform(0.75, 0.95), s.fabric(0.2, 1.05, 0.25)
    bare = s.chance(0.15)
    start = torch.where(bare, 0.05, s.uniform(0.17, 0.23))
    down = -0.78 + torch.where(bare, s.uniform(0.1, 0.2), s.uniform(0.3, 0.62))
    out = torch.where(bare, -0.06, s.uniform(0.1, 0.34))
    s.arms(half, out, down, start, start * s.uniform(0.7, 0.95), cloth * s.uniform(0.75, 0.98))
    body = s.torso(half, bottom, s.uniform(-0.01, 0.08), s.uniform(-0.03, 0.06))
    s.paint(body, cloth)
    width, depth = s.either(0.2, (0.26, 0.34), (0.16, 0.26)), s.either(0.2, (0.3, 0.5), (0.1, 0.26))
    s.neck(width, depth, s.chance(0.2), body, s.shift(cloth, -0.3, 0.2))
    wide, high = s.uniform(0.1, 0.32), s.uniform(0.06, 0.26)
    ink = torch.where(cloth.mean((1, 2), keepdim=True) > 0.55, s.uniform(0.1, 0.4), s.uniform(0.75, 1.0))
    letters = 0.5 + 0.5 * torch.sin(s.uniform(10, 40) * s.x + s.uniform(-20, 20) * s.y)
    strength = (s.uniform(0, 1) * letters + s.uniform(0.3, 0.6)).clamp(0, 1)
    corner = torch.minimum(wide, high) * s.uniform(0, 1)
    logo = box(s.x, s.y, s.normal(0.05), s.uniform(-0.35, 0.1), wide, high, corner)
    s.paint(logo, cloth + (ink - cloth) * strength, s.chance(0.4))


def trouser(s: Sheet) -> None:
    short, cloth = s.chance(0.08), s.fabric(0.2, 1.05, 0.12)
    bottom = torch.where(short, s.uniform(0.0, 0.5), s.uniform(0.88, 1.0))
    waist, crotch = s.uniform(0.25, 0.38), s.uniform(-0.5, -0.15)
    spread, cuff = s.uniform(0.03, 0.22), s.uniform(0.14, 0.26)
    t = ((s.y + 0.97) / 1.95).clamp(0, 1)
    hips = s.uniform(0.02, 0.1) * torch.sin((t * 5).clamp(0, PI))
    outer = waist + (spread + cuff - waist) * t + hips + s.left_right(0.01)
    below = ((s.y - crotch) / (0.97 - crotch)).clamp(min=0)
    inner = (spread + s.left_right(0.015)) * below + 0.04 * below.sqrt()
    inner = torch.where(s.y > crotch, inner, -1.0)
    legs = inside(s.side - outer, inner - s.side, -0.97 - s.y, s.y - bottom - s.left_right(0.03))
    s.paint(legs, cloth)
    s.paint(inside(s.side - 0.03, s.y - crotch - 0.05, -0.9 - s.y), cloth * s.uniform(0.55, 0.95))
    band = inside(s.side - waist - 0.02, (s.y + 0.92).abs() - 0.045)
    s.paint(band, s.shift(cloth, -0.4, 0.2), s.chance(0.6))
    crease = inside(legs, (s.side - (inner.clamp(min=0) + outer) / 2).abs() - 0.035, crotch - s.y)
    s.paint(crease, s.shift(cloth, -0.15, 0.25), s.chance(0.5))
    knee, wide, high = s.uniform(0.0, 0.4), s.uniform(0.06, 0.12), s.uniform(0.1, 0.4)
    worn = ellipse(s.side, s.y, outer - cuff * 0.6, knee, wide, high)
    s.paint(inside(legs, worn), s.shift(cloth, -0.2, 0.35), s.chance(0.35))


def pullover(s: Sheet) -> None:
    half, bottom, cloth = s.uniform(0.38, 0.5), s.uniform(0.78, 0.96), s.fabric(0.25, 1.05, 0.25, grain=0.05)
    down, shoulder, cuff = bottom - s.uniform(-0.02, 0.25), s.uniform(0.18, 0.23), s.uniform(0.08, 0.13)
    s.arms(half, s.uniform(0.14, 0.34), down, shoulder, cuff, cloth * s.uniform(0.75, 1.0))
    body = s.torso(half, bottom, s.uniform(-0.02, 0.06), s.uniform(-0.04, 0.03))
    s.paint(body, cloth)
    rib = (s.shift(cloth, -0.25, 0.1) + 0.06 * torch.sin(40 * s.x)).clamp(0.08, 1)
    s.paint(inside(body, bottom - 0.11 - s.y), rib, s.chance(0.7))
    broad = inside(body, (s.y - s.uniform(-0.4, 0.2)).abs() - s.uniform(0.05, 0.2))
    s.paint(broad, s.uniform(0.2, 1.0), s.chance(0.2))
    s.neck(s.uniform(0.15, 0.25), s.uniform(0.08, 0.2), s.chance(0.2), body, rib)
    hood, roll = s.chance(0.18), s.chance(0.2)
    hooded = ellipse(s.x, s.y, s.normal(0.02), -0.78 + 0 * half, s.uniform(0.25, 0.34), s.uniform(0.16, 0.22))
    s.paint(hooded, rib * 0.85, hood)
    s.paint(box(s.x, s.y, 0, -0.88, s.uniform(0.15, 0.2), s.uniform(0.1, 0.14), 0.04), rib, roll & ~hood)
    pocket = box(s.x, s.y, 0, bottom - 0.35, s.uniform(0.2, 0.3), s.uniform(0.1, 0.16), 0.05)
    s.paint(pocket.abs() - 0.02, cloth * 0.7, hood)


def dress(s: Sheet) -> None:
    chest, waist_at, bottom = s.uniform(0.23, 0.35), s.uniform(-0.4, 0.0), s.uniform(0.86, 1.0)
    waist, cloth = chest - s.uniform(0.0, 0.09), s.fabric(0.25, 1.1, 0.35)
    flare = s.either(0.3, (0.22, 0.45), (0.02, 0.2))
    kind = s.uniform(0, 1)  # below 0.4 no sleeves, below 0.7 short ones, else long ones
    start = torch.where(kind < 0.4, 0.04, s.uniform(0.1, 0.15))
    down = torch.where(kind < 0.7, -0.78 + s.uniform(0.18, 0.4), s.uniform(-0.1, 0.45))
    out = torch.where(kind < 0.4, -0.05, s.uniform(0.05, 0.24))
    s.arms(chest, out, down, start, start * 0.75, cloth * s.uniform(0.75, 1.0))
    above, below = smoothstep(-0.9, waist_at, s.y), ((s.y - waist_at) / (bottom - waist_at)).clamp(min=0)
    half = chest + (waist - chest) * above + flare * below ** s.uniform(0.6, 1.6)
    folds = 1 + s.uniform(0.0, 0.25) * below * torch.sin(s.uniform(10, 24) * s.x + s.uniform(0, 2 * PI))
    shoulder = -0.99 + s.uniform(0.05, 0.3) * s.side
    body = inside(s.side - half, shoulder - s.y, s.y - bottom - s.normal(0.08) * s.x)
    s.paint(body, (cloth * folds).clamp(0.08, 1))
    s.neck(chest * s.uniform(0.4, 0.75), s.uniform(0.1, 0.4), s.chance(0.3), body, cloth)
    s.paint(inside((s.y - waist_at).abs() - s.uniform(0.03, 0.07), body), s.uniform(0.06, 1.0), s.chance(0.3))
    s.paint(inside(waist_at - s.y, body), s.shift(cloth, -0.4, 0.3), s.chance(0.15))


def coat(s: Sheet) -> None:
    half, cloth = s.uniform(0.38, 0.5), s.fabric(0.2, 1.05, 0.12, grain=0.05)
    bottom = s.either(0.75, (0.88, 0.99), (0.75, 0.88))
    shoulder, cuff = s.uniform(0.18, 0.23), s.uniform(0.09, 0.14)
    s.arms(half, s.uniform(0.12, 0.32), s.uniform(0.5, 0.88), shoulder, cuff, cloth * s.uniform(0.7, 0.97))
    body = s.torso(half, bottom, s.uniform(-0.02, 0.08), s.uniform(-0.02, 0.12))
    s.paint(body, cloth)
    dark, centre = cloth * s.uniform(0.3, 0.7), (s.x - s.normal(0.02)).abs()
    gap = inside(centre - 0.03 - s.uniform(0.0, 0.1) * smoothstep(-0.6, 0.9, s.y), -0.7 - s.y, body)
    s.paint(gap, torch.where(s.chance(0.3), s.uniform(0.6, 1.0), dark))
    depth = s.uniform(0.35, 0.8)
    lapel = inside(s.side - s.uniform(0.2, 0.32) * (1 - (s.y + 0.97) / depth), -0.99 - s.y)
    s.paint(lapel, s.shift(cloth, -0.2, 0.25), s.chance(0.75))
    s.neck(s.uniform(0.12, 0.2), s.uniform(0.1, 0.4), s.chance(0.75), body, dark)
    belt = inside((s.y - s.uniform(-0.1, 0.15)).abs() - 0.05, body)
    s.paint(belt, cloth * s.uniform(0.4, 0.8), s.chance(0.25))
    flap_wide, flap_at = s.uniform(0.08, 0.13), s.uniform(0.25, 0.45)
    flap = inside((s.side - half * 0.62).abs() - flap_wide, (s.y - flap_at).abs() - 0.035)
    s.paint(flap, dark, s.chance(0.65))
    s.buttons(-0.2, bottom - 0.2, s.uniform(2, 5).round(), s.shift(cloth, 0.2, 0.5), s.chance(0.5))


def sandal(s: Sheet) -> None:
    raised = s.chance(0.45)
    heel = torch.where(raised, s.uniform(0.25, 0.8), s.uniform(0.0, 0.12))
    base, thick = s.uniform(0.2, 0.45) + 0.35 * heel, s.uniform(0.05, 0.13)
    level = base - heel * smoothstep(-0.4, 0.65, s.x)  # what the foot stands on
    tip, back = -0.97 + s.uniform(0, 0.08), 0.93 - s.uniform(0, 0.1)
    cloth = s.fabric(0.3, 1.1, 0.1, grain=0.08)
    heel_wide = s.either(0.5, (0.07, 0.12), (0.15, 0.35))
    block = torch.where(s.chance(0.4), -0.3, back - heel_wide)  # a wedge from the arch on, or a heel
    under = inside(level - s.y, s.y - base - thick, block - s.x + 0.15 * (s.y - base), s.x - back)
    s.paint(under, (cloth * s.uniform(0.4, 0.9)).clamp(0.12, 1), raised)
    s.paint(inside(tip - s.x, s.x - back, level - s.y, s.y - level - thick), s.shift(cloth, -0.35, 0.15))
    width = s.either(0.5, (0.07, 0.13), (0.035, 0.06))
    above = s.y - level
    toes, instep, heel_at = s.uniform(-0.65, -0.45), s.uniform(-0.1, 0.2), back - 0.22
    slant, vamp = s.uniform(-0.2, 0.6), s.chance(0.5)
    front = ellipse(s.x, above, toes, 0.0, s.uniform(0.18, 0.34), s.uniform(0.2, 0.34))
    s.paint(inside(torch.where(vamp, front, front.abs() - width), above), cloth, s.chance(0.85))
    peep = ellipse(s.x, above, toes - 0.22, -0.02, s.uniform(0.1, 0.2), s.uniform(0.08, 0.2))
    s.cut(inside(peep, above), vamp)
    for _ in range(2):  # bands across the foot
        foot, high = instep + s.normal(0.18), s.uniform(0.3, 0.5)
        band = stroke(s.x, above, foot, 0.0, foot + slant * high + 0.08, -high, width, width * 0.8)
        s.paint(inside(band, above), cloth, s.chance(0.55))
    ankle = s.uniform(0.4, 0.62)
    ring = ellipse(s.x, above, heel_at, -ankle, s.uniform(0.16, 0.24), s.uniform(0.05, 0.1))
    counter, fastened = s.chance(0.5), s.chance(0.7)
    s.paint(ring.abs() - 0.035, cloth, fastened)
    s.paint(stroke(s.x, above, back - 0.05, 0.0, back - 0.03, -ankle, width, 0.04), cloth, fastened)
    cup = ellipse(s.x, above, back, 0.0, s.uniform(0.2, 0.4), s.uniform(0.25, 0.45))
    s.paint(inside(cup, s.x - back, above), cloth * s.uniform(0.7, 1.0), counter)
    s.paint(stroke(s.x, above, toes, -0.16, heel_at, -ankle, width, 0.04), cloth, fastened & s.chance(0.6))


def shirt(s: Sheet) -> None:
    half, bottom, cloth = s.uniform(0.38, 0.52), s.uniform(0.78, 0.98), s.fabric(0.2, 1.0, 0.4)
    short, start = s.chance(0.3), s.uniform(0.17, 0.22)
    down = torch.where(short, -0.78 + s.uniform(0.4, 0.65), s.uniform(0.3, 0.8))
    cuff = start * torch.where(short, 0.85, 0.55)
    s.arms(half, s.uniform(0.12, 0.33), down, start, cuff, cloth * s.uniform(0.75, 0.98))
    rounded = s.uniform(0.0, 0.25) * s.side.square() / half.square()
    body = inside(s.torso(half, bottom, s.uniform(0.0, 0.09), s.uniform(-0.02, 0.07)), s.y - bottom + rounded)
    s.paint(body, cloth)
    line, buttoned = s.shift(cloth, -0.4, 0.15), s.chance(0.8)
    s.paint(inside((s.x - s.normal(0.01)).abs() - 0.035, -0.8 - s.y, body), line, buttoned)
    collar = inside(s.side - s.uniform(0.2, 0.28) * (1 - (s.y + 0.98) / s.uniform(0.3, 0.45)), -0.99 - s.y)
    s.paint(collar, s.shift(cloth, -0.25, 0.25), buttoned | s.chance(0.4))
    s.neck(s.uniform(0.08, 0.16), s.uniform(0.06, 0.22), s.chance(0.6), body, line)
    s.buttons(-0.6, bottom - 0.1, s.uniform(4, 7).round(), s.shift(line, -0.5, 0.5), buttoned)
    size = s.uniform(0.1, 0.14)
    pocket = box(s.x, s.y, half * 0.5, s.uniform(-0.35, -0.2), size, size, 0.02)
    s.paint(pocket.abs() - 0.02, line, s.chance(0.3))


def upper(s: Sheet, low: Tensor, toe: Tensor, top: Tensor, ankle: Tensor, ramp: Tensor, dip: Tensor):
    """A shoe above y = `low`: `toe` high, over `ramp` up to `top` at x = `ankle`, the opening `dip` deep."""
    nose = toe * (1 - ((-0.5 - s.x) / 0.48).clamp(0, 1) ** 2).sqrt()
    height = nose + (top - toe) * smoothstep(ankle - ramp, ankle, s.x)
    height = height - dip * torch.sin(((s.x - ankle) / (0.9 - ankle)).clamp(0, 1) * PI)
    back = 0.92 - 0.08 * torch.sin(((low - s.y) / top).clamp(0, 1) * PI)
    return inside(low - s.y - height, s.y - low, -0.98 - s.x, s.x - back)


def sneaker(s: Sheet) -> None:
    low, thick, cloth = s.uniform(0.3, 0.45), s.uniform(0.08, 0.16), s.fabric(0.2, 1.1, 0.12, grain=0.07)
    top, ankle = s.either(0.15, (0.75, 0.95), (0.5, 0.7)), s.uniform(0.15, 0.4)
    shoe = upper(s, low, s.uniform(0.2, 0.32), top, ankle, s.uniform(0.5, 0.9), s.uniform(0.0, 0.18))
    s.paint(shoe, cloth)
    accent = (cloth + s.either(0.5, (0.2, 0.5), (-0.5, -0.2))).clamp(0.05, 1)
    s.paint(inside(shoe, torch.hypot(s.x + 0.95, s.y - low) - s.uniform(0.25, 0.45)), accent, s.chance(0.35))
    s.paint(inside(shoe, s.uniform(0.6, 0.75) - s.x), accent, s.chance(0.35))
    tilt, bars = s.uniform(0.05, 0.2), s.chance(0.35)
    for at in (-0.12, 0.06, 0.24):
        bar = stroke(s.x, s.y, at, low - 0.05, at + tilt, low - 0.35, s.uniform(0.02, 0.035), 0.025)
        s.paint(inside(shoe, bar), accent, bars)
    left, right = s.uniform(-0.4, -0.2), s.uniform(0.3, 0.6)
    wing = stroke(s.x, s.y, left, low - s.uniform(0.08, 0.15), right, low - s.uniform(0.25, 0.4), 0.06, 0.02)
    s.paint(inside(shoe, wing), accent, ~bars & s.chance(0.4))
    laces = inside(shoe, -shoe - 0.16, (s.x - ankle + 0.22).abs() - 0.24, -0.3 * torch.sin(28 * s.x))
    s.paint(laces, s.shift(cloth, -0.5, 0.5), s.chance(0.6))
    y = s.y + 0.1 * ((-0.6 - s.x) / 0.35).clamp(0, 1) ** 2 * s.uniform(0, 1)  # the toe lifts off the ground
    tread = box(s.x, y, -0.02, low + thick / 2, s.uniform(0.93, 0.97), thick / 2 + 0.02, 0.06)
    s.paint(tread, s.either(0.6, (0.6, 1.0), (0.1, 0.5)))
    s.paint(inside(tread, (y - low - thick * 0.6).abs() - 0.03), s.uniform(0.2, 0.9), s.chance(0.4))


def bag(s: Sheet) -> None:
    wide, high = s.uniform(0.55, 0.97), s.uniform(0.32, 0.72)
    low, cloth = s.uniform(0.75, 0.97), s.fabric(0.25, 1.05, 0.25, grain=0.06)
    centre, rim = low - high, low - 2 * high
    metal = (cloth + s.either(0.6, (-0.5, -0.2), (0.2, 0.45))).clamp(0.05, 1)
    reach, spread = s.uniform(0.2, 0.85), wide * s.uniform(0.3, 0.85)
    reach = torch.minimum(reach, rim + 0.98).clamp(min=0.05) + 0.08
    strap = ellipse(s.x, s.y, s.normal(0.03), rim + 0.08, spread, reach)
    handle = inside(strap.abs() - s.uniform(0.03, 0.06), s.y - rim - 0.12)
    s.paint(handle, cloth * s.uniform(0.6, 1.0), s.chance(0.85))
    lean = 1 + s.uniform(-0.22, 0.12) * (centre - s.y) / high
    body = box(s.x / lean, s.y, 0, centre, wide, high, torch.minimum(high, wide) * s.uniform(0.05, 0.5))
    s.paint(body, cloth)
    flap_end = s.uniform(-0.5, 0.5) - s.uniform(0, 0.5) * (s.x / wide).square()
    flap = inside(body, s.y - centre - high * flap_end)
    flapped = s.chance(0.45)
    s.paint(flap, s.shift(cloth, -0.4, 0.4), flapped & s.chance(0.4))
    s.paint(inside(flap, -flap - 0.05), metal, flapped)
    s.paint(inside(body, (s.y - rim - s.uniform(0.08, 0.2)).abs() - 0.03), metal, ~flapped & s.chance(0.6))
    pocket_wide, pocket_high = wide * s.uniform(0.3, 0.7), high * s.uniform(0.25, 0.45)
    pocket_at = centre + high * s.uniform(0.1, 0.4)
    pocket = box(s.x, s.y, s.normal(0.05), pocket_at, pocket_wide, pocket_high, 0.05)
    s.paint(inside(body, pocket.abs() - 0.025), metal, s.chance(0.35))
    lock_at, size = centre + high * s.uniform(-0.3, 0.3), s.uniform(0.04, 0.12)
    s.paint(box(s.x, s.y, s.normal(0.04), lock_at, size, s.uniform(0.04, 0.1), 0.03), metal, s.chance(0.5))
    s.paint(inside(body, (s.side - wide * s.uniform(0.4, 0.8)).abs() - 0.035), metal, s.chance(0.2))


def ankle_boot(s: Sheet) -> None:
    low, thick, cloth = s.uniform(0.7, 0.84), s.uniform(0.05, 0.12), s.fabric(0.22, 1.0, 0.05, grain=0.06)
    heel = s.either(0.4, (0.15, 0.4), (0.0, 0.1))
    ankle, top = s.uniform(-0.15, 0.2), s.uniform(1.1, 1.65)
    ground, s.y = s.y, s.y + heel * smoothstep(-0.45, 0.5, s.x)  # a heel lifts the back of the foot
    toe = s.uniform(0.32, 0.46)
    boot = upper(s, low, toe, top - heel, ankle, s.uniform(0.3, 0.65), s.normal(0.05))
    s.paint(boot, cloth)
    detail = (cloth + s.either(0.6, (-0.4, -0.12), (0.15, 0.4))).clamp(0.05, 1)
    s.paint(inside(boot, s.y - low + top - heel - s.uniform(0.08, 0.25)), detail, s.chance(0.35))
    s.paint(inside(boot, torch.hypot(s.x + 0.95, s.y - low) - s.uniform(0.35, 0.55)), detail, s.chance(0.25))
    gore = (s.x - s.uniform(0.25, 0.6)).abs() - s.either(0.4, (0.09, 0.16), (0.025, 0.035))
    s.paint(inside(boot, gore, s.y - low + s.uniform(0.15, 0.5)), detail, s.chance(0.45))
    rungs = 0.3 * torch.sin(s.uniform(20, 30) * s.y)
    laces = inside(boot, (s.x - ankle - 0.1 + 0.4 * (s.y - low + toe)).abs() - 0.14, rungs, s.y - low + toe)
    s.paint(laces, detail, s.chance(0.35))
    front, behind = low - s.uniform(0.35, 0.6), low - s.uniform(0.3, 0.65)
    strap = stroke(s.x, s.y, ankle - 0.15, front, 0.9, behind, 0.045, 0.045)
    s.paint(inside(boot, strap), detail, s.chance(0.25))
    sole = s.either(0.3, (0.6, 1.0), (0.12, 0.5))
    s.paint(inside((s.y - low - thick / 2).abs() - thick / 2 - 0.02, -0.97 - s.x, s.x - 0.92), sole)
    s.y = ground
    block = inside(s.uniform(0.45, 0.7) - s.x, s.x - 0.9, low - heel - s.y, s.y - low - thick)
    s.paint(block, sole * s.uniform(0.7, 1.0))


GARMENTS: dict[str, Callable[[Sheet], None]] = {
    "T-shirt/top": t_shirt,
    "Trouser": trouser,
    "Pullover": pullover,
    "Dress": dress,
    "Coat": coat,
    "Sandal": sandal,
    "Shirt": shirt,
    "Sneaker": sneaker,
    "Bag": bag,
    "Ankle boot": ankle_boot,
}


def draw(garment: Callable[[Sheet], None], n: int, rng: torch.Generator) -> Tensor:
    """n different images of a garment: uint8 (n, 28, 28), background 0."""
    sheet = Sheet(n, rng)
    garment(sheet)
    return (sheet.value.clamp(0, 1) * 255).round().to(torch.uint8)
