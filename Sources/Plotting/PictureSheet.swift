/// A picture made elsewhere, with a title and notes around it, as one file.
package struct PictureSheet: Sendable {
  package let title: String
  /// A `data:` address of the picture.
  package let picture: String
  /// In pixels of the drawing.
  package let width: Double
  /// In pixels of the drawing.
  package let height: Double
  package let notes: [String]

  package init(title: String, picture: String, width: Int, height: Int, notes: [String]) {
    (self.title, self.picture, self.notes) = (title, picture, notes)
    (self.width, self.height) = (Double(width), Double(height))
  }

  /// The drawing as the text of an SVG file.
  package var svg: String {
    let texts = [8.4 * Double(title.count)] + notes.map { 5.6 * Double($0.count) }
    var drawing = SVGDocument(
      width: 32 + max(width, texts.max()!),
      height: height + 72 + 16 * Double(notes.count), title: title)
    drawing.text(title, x: 16, y: 28, size: 15, isBold: true)
    drawing.image(picture, x: 16, y: 44, width: width, height: height)
    for (index, note) in notes.enumerated() {
      drawing.text(
        note, x: 16, y: height + 66 + 16 * Double(index), size: 11, color: Ink.faint)
    }
    return drawing.text
  }
}
