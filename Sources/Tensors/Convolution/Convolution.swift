/// A convolution with its weights packed, whatever way it is computed.
///
/// Each image takes a slot of the buffers. A strip, a part of a map's lines, is transformed for all
/// slots and then computed pass by pass, a pass being some of the output channels.
package protocol Convolution: Sendable {
  /// Images that fit the buffers once transformed.
  var slots: Int { get }
  /// Parts of a map that go through the buffers one after the other.
  var stripCount: Int { get }
  /// The output's lines that the strip computes.
  func lines(ofStrip strip: Int) -> Range<Int>

  /// Pieces in which weights are packed, over all groups.
  var panelCount: Int { get }
  /// The output channels whose weights make up the panel.
  func outputs(ofPanel panel: Int) -> Range<Int>
  /// Takes the weights of `outputs(ofPanel: panel)`, each `channels/groups × kernelSize ×
  /// kernelSize`; threads may do so for different panels at once.
  func pack(panel: Int, _ values: Span<Float>)

  /// Floats of the buffers that `transform` and `run` work in.
  var transformedFloats: Int { get }
  var sumFloats: Int { get }
  /// Writes what `run` reads of a strip of an image to its slot; threads may do so for different
  /// slots.
  ///
  /// - Parameters:
  ///   - map: the whole input.
  ///   - transformed: at least `transformedFloats` floats.
  func transform(_ map: FeatureMap, strip: Int, to transformed: FloatBuffer, slot: Int)

  /// Parts of the work that `run` can do on its own, over all groups.
  var passCount: Int { get }
  /// Computes the output channels of one pass over a strip for the first `count` slots; threads may
  /// compute different passes at once, with sums of their own. The maps' frames stay as they are.
  ///
  /// - Parameters:
  ///   - maps: the slots' inputs, as they were when they were transformed.
  ///   - transformed: as `transform` left it for the strip.
  ///   - sums: at least `sumFloats` floats, overwritten.
  ///   - output: the map for a slot.
  func run(
    pass: Int, strip: Int, count: Int, of maps: (_ slot: Int) -> FeatureMap,
    from transformed: FloatBuffer, sums: FloatBuffer, rectify: Bool,
    into output: (_ slot: Int) -> FeatureMap)
}
