"""Efficiencies as lines over the number of ranks, a panel for each way to the store."""

# Apart in colour, in grey and in shape: Okabe and Ito (2008), and a mark of its own for each line.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]
MARKS = [
    '<circle r="3.5"/>', '<rect x="-3" y="-3" width="6" height="6"/>', '<path d="M0-4 4 3-4 3Z"/>',
    '<path d="M0-4.5 4.5 0 0 4.5-4.5 0Z"/>', '<path d="M-3-3 3 3M3-3-3 3" stroke-width="2"/>',
    '<path d="M0 4 4-3-4-3Z"/>',
]
WIDTH, HEIGHT, LEFT, TOP, GAP = 230, 220, 52, 56, 46


def draw(found, ranks):
    """An SVG of `{mode: {milliseconds: [efficiency, …]}}`, one value for each of `ranks`."""
    total = LEFT + len(found) * (WIDTH + GAP) + 80
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {TOP + HEIGHT + 56}" '
        'font-family="sans-serif" font-size="11" fill="#222">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{LEFT}" y="22" font-size="14">Efficiency of decaf extract, simulated from measured '
        'costs</text>',
    ]
    for index, (mode, lines) in enumerate(found.items()):
        parts += panel(mode, lines, ranks, LEFT + index * (WIDTH + GAP), index == 0)
    x = LEFT + len(found) * (WIDTH + GAP)
    parts.append(f'<text x="{x - 6}" y="{TOP + 4}">ms an image</text>')
    for index, milliseconds in enumerate(next(iter(found.values()))):
        y = TOP + 22 + 18 * index
        parts.append(mark(index, x, y) + f'<text x="{x + 12}" y="{y + 4}">{milliseconds:g}</text>')
    return "\n".join(parts) + "\n</svg>\n"


def mark(index, x, y):
    colour = COLOURS[index % len(COLOURS)]
    return (f'<g transform="translate({x:.1f} {y:.1f})" fill="{colour}" stroke="{colour}">'
            f'{MARKS[index % len(MARKS)]}</g>')


def panel(mode, lines, ranks, left, has_axis):
    def x(place):
        return left + place * WIDTH / max(len(ranks) - 1, 1)

    def y(value):
        return TOP + HEIGHT * (1 - value)

    parts = [f'<text x="{left}" y="{TOP - 12}" font-weight="bold">{mode}</text>']
    for percent in range(0, 101, 20):
        parts.append(f'<path d="M{left} {y(percent / 100)}h{WIDTH}" stroke="#ddd"/>')
        if has_axis:
            parts.append(f'<text x="{left - 8}" y="{y(percent / 100) + 4}" text-anchor="end">'
                         f'{percent} %</text>')
    for place, count in enumerate(ranks):
        parts.append(f'<text x="{x(place)}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{count}</text>')
    parts.append(f'<text x="{left + WIDTH / 2}" y="{TOP + HEIGHT + 38}" text-anchor="middle">ranks</text>')
    for index, values in enumerate(lines.values()):
        points = " ".join(f"{x(place):.1f},{y(value):.1f}" for place, value in enumerate(values))
        colour = COLOURS[index % len(COLOURS)]
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts += [mark(index, x(place), y(value)) for place, value in enumerate(values)]
    return parts
