/// A scatter plot as one page that needs no network: zoom, names and pictures under the pointer,
/// groups to show and hide, and a search by path.
package struct ScatterPage: Sendable {
  private let plot: ScatterPlot

  package init(_ plot: ScatterPlot) { self.plot = plot }

  /// The page's text; the same for the same plot.
  package var html: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    \(PictureMark.comment)
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(XMLEscape.escaped(plot.title))</title>
    <style>\(Self.style)</style>
    <h1>\(XMLEscape.escaped(plot.title))</h1>
    <p><input id="search" type="search" placeholder="part of a path" aria-label="search by path">
    <button id="all">show all</button> <button id="none">hide all</button>
    <button id="reset">whole plane</button> <output id="found"></output></p>
    <div id="planes"></div>
    <div id="legend"></div>
    <div id="tip" hidden></div>
    <script type="application/json" id="data">\(data)</script>
    <script>\(Self.script)</script>
    </html>

    """
  }

  private var data: String {
    let panels = plot.panels.map { panel in
      let places = ScatterPlot.fitted(panel.places)
      let numbers = places.map { "\(Self.short($0.x)),\(Self.short($0.y))" }
      return "{\"title\":\(Self.quoted(panel.title)),\"x\":\(Self.quoted(panel.xLabel)),"
        + "\"y\":\(Self.quoted(panel.yLabel)),\"at\":[\(numbers.joined(separator: ","))]}"
    }
    let points = plot.points.map {
      "[\($0.group),\($0.mark),\(Self.quoted($0.tip)),\(Self.quoted($0.image))]"
    }
    let styles = plot.groups.indices.map { group in
      let style = plot.style(group: group, mark: 0)
      return "[\(Self.quoted(style.color)),\(style.isHollow ? 1 : 0)]"
    }
    let shapes = Marker.allCases.map { shape in
      let corners = (shape.corners ?? []).map { "[\(Self.short($0.0)),\(Self.short($0.1))]" }
      return "[\(corners.joined(separator: ","))]"
    }
    return "{\"panels\":[\(panels.joined(separator: ","))],"
      + "\"points\":[\(points.joined(separator: ",\n"))],"
      + "\"groups\":[\(plot.groups.map(Self.quoted).joined(separator: ","))],"
      + "\"marks\":[\(plot.marks.map(Self.quoted).joined(separator: ","))],"
      + "\"styles\":[\(styles.joined(separator: ","))],\"shapes\":[\(shapes.joined(separator: ","))]}"
  }

  /// Four decimals: a tenth of a pixel of a plane zoomed to ten times its size.
  private static func short(_ value: Double) -> String {
    let place = value.isNaN ? 0 : min(max(value, -10), 10)
    return "\((place * 1e4).rounded() / 1e4)"
  }

  /// Text as JSON that no markup can end.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "<": result += "\\u003c"
      case _ where scalar.value < 0x20: result += " "
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  private static let style = """
    body{font:14px Helvetica,Arial,sans-serif;color:#222;margin:1em}h1{font-size:1.15em}
    #planes{display:flex;flex-wrap:wrap;gap:1em}figure{margin:0}figcaption{text-align:center;color:#666}
    canvas{border:1px solid #888;touch-action:none;max-width:calc(100vw - 2em - 2px)}
    #legend{columns:11em;margin-top:1em;font-size:12px}#legend label{display:block;break-inside:avoid;
    overflow-wrap:anywhere}#legend canvas{border:0;vertical-align:middle}
    #tip{position:fixed;background:#fff;border:1px solid #888;padding:6px;max-width:18em;
    pointer-events:none;overflow-wrap:anywhere;box-shadow:0 1px 4px #0004}#tip img{display:block}
    #tip[hidden]{display:none}@media print{p,#tip{display:none}}
    """

  private static let script = #"""
    "use strict";
    const data = JSON.parse(document.getElementById("data").textContent);
    const hidden = new Set(), side = 560, tip = document.getElementById("tip");
    let wanted = "";
    const views = data.panels.map(() => ({ zoom: 1, x: 0, y: 0 }));
    function shape(c, x, y, size, group, mark) {
      const [color, hollow] = data.styles[group];
      const corners = data.shapes[(data.marks.length ? mark : group) % data.shapes.length];
      c.beginPath();
      if (!corners.length) c.arc(x, y, size, 0, 7);
      corners.forEach(([a, b], i) => i ? c.lineTo(x + size * a, y + size * b)
                                       : c.moveTo(x + size * a, y + size * b));
      c.closePath();
      c.strokeStyle = color; c.fillStyle = hollow ? "#fff" : color;
      c.fill(); c.stroke();
    }
    function place(panel, i) {
      const v = views[panel], at = data.panels[panel].at;
      return [side / 2 + (at[2 * i] - v.x) * side * v.zoom,
              side / 2 - (at[2 * i + 1] - v.y) * side * v.zoom];
    }
    const shown = i => !hidden.has(data.points[i][0]);
    const matches = i => wanted && data.points[i][2].toLowerCase().includes(wanted);
    const size = data.points.length > 5000 ? 2 : data.points.length > 1500 ? 2.6 : 3.4;
    function draw() {
      let found = 0;
      contexts.forEach((c, panel) => {
        c.clearRect(0, 0, side, side);
        for (const pass of wanted ? [0, 1] : [1])
          for (let i = 0; i < data.points.length; i++) {
            if (!shown(i) || (wanted && matches(i) !== !!pass)) continue;
            const [x, y] = place(panel, i);
            if (x < -9 || y < -9 || x > side + 9 || y > side + 9) continue;
            c.globalAlpha = pass ? 1 : 0.12;
            shape(c, x, y, pass && wanted ? size + 2 : size, data.points[i][0], data.points[i][1]);
          }
        c.globalAlpha = 1;
      });
      if (wanted) for (let i = 0; i < data.points.length; i++) found += shown(i) && matches(i);
      document.getElementById("found").textContent = wanted ? found + " found" : "";
    }
    function nearest(panel, x, y) {
      let best = -1, least = 144;
      for (let i = 0; i < data.points.length; i++) {
        if (!shown(i)) continue;
        const [a, b] = place(panel, i), d = (a - x) ** 2 + (b - y) ** 2;
        if (d < least) { least = d; best = i; }
      }
      return best;
    }
    function tell(i, event) {
      tip.hidden = i < 0;
      if (i < 0) return;
      const [group, mark, path, image] = data.points[i];
      tip.replaceChildren();
      if (image) { const e = new Image(); e.src = image; e.alt = ""; tip.append(e); }
      const name = document.createElement("b");
      name.textContent = data.groups[group] + (data.marks.length ? " · " + data.marks[mark] : "");
      tip.append(name, document.createElement("br"), path);
      tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8) + "px";
      tip.style.top = Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8) + "px";
    }
    const contexts = data.panels.map((panel, index) => {
      const figure = document.createElement("figure"), canvas = document.createElement("canvas");
      const caption = document.createElement("figcaption"), ratio = Math.max(devicePixelRatio, 1);
      canvas.width = canvas.height = side * ratio;
      canvas.style.width = side + "px"; canvas.style.aspectRatio = "1";
      caption.textContent = [panel.title, panel.x, panel.y].filter(Boolean).join(" · ");
      figure.append(canvas, caption);
      document.getElementById("planes").append(figure);
      const context = canvas.getContext("2d"), view = views[index];
      context.scale(ratio, ratio);
      const at = event => {
        const box = canvas.getBoundingClientRect();
        return [(event.clientX - box.left) * side / box.width,
                (event.clientY - box.top) * side / box.height];
      };
      canvas.addEventListener("wheel", event => {
        event.preventDefault();
        const [x, y] = at(event), factor = Math.exp(-event.deltaY * 0.0015);
        const zoom = Math.min(Math.max(view.zoom * factor, 0.5), 200);
        view.x += (x - side / 2) / side * (1 / view.zoom - 1 / zoom);
        view.y -= (y - side / 2) / side * (1 / view.zoom - 1 / zoom);
        view.zoom = zoom;
        draw();
      }, { passive: false });
      let from = null;
      canvas.addEventListener("pointerdown", event => {
        from = at(event);
        canvas.setPointerCapture(event.pointerId);
      });
      canvas.addEventListener("pointerup", () => { from = null; });
      canvas.addEventListener("pointermove", event => {
        const [x, y] = at(event);
        if (from && event.buttons) {
          view.x -= (x - from[0]) / side / view.zoom;
          view.y += (y - from[1]) / side / view.zoom;
          from = [x, y];
          draw();
        }
        tell(nearest(index, x, y), event);
      });
      canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
      return context;
    });
    const boxes = data.groups.map((name, group) => {
      const label = document.createElement("label"), box = document.createElement("input");
      const key = document.createElement("canvas");
      box.type = "checkbox"; box.checked = true;
      key.width = key.height = 14;
      shape(key.getContext("2d"), 7, 7, 4, group, 1);
      box.addEventListener("change", () => {
        box.checked ? hidden.delete(group) : hidden.add(group);
        draw();
      });
      label.append(box, key, name);
      document.getElementById("legend").append(label);
      return box;
    });
    function showAll(isShown) {
      boxes.forEach((box, group) => {
        box.checked = isShown;
        isShown ? hidden.delete(group) : hidden.add(group);
      });
      draw();
    }
    document.getElementById("all").onclick = () => showAll(true);
    document.getElementById("none").onclick = () => showAll(false);
    document.getElementById("reset").onclick = () => {
      for (const view of views) Object.assign(view, { zoom: 1, x: 0, y: 0 });
      draw();
    };
    document.getElementById("search").oninput = event => {
      wanted = event.target.value.toLowerCase();
      draw();
    };
    draw();
    """#
}
