internal import CKernels

/// Where the weights of filters lie that training changes: that of a group's output o at its channel c
/// and place i is `groupStep·group + placeStep·i + channelStep·c + o` floats behind `start`.
package struct FilterPlanes: Sendable {
  let buffer: FloatBuffer
  let start: Int
  let groupStep: Int
  let placeStep: Int
  let channelStep: Int

  package init(
    _ buffer: FloatBuffer, start: Int = 0, groupStep: Int, placeStep: Int, channelStep: Int
  ) {
    (self.buffer, self.start, self.groupStep) = (buffer, start, groupStep)
    (self.placeStep, self.channelStep) = (placeStep, channelStep)
  }

  /// The first weight of some outputs of a group.
  ///
  /// - Precondition: all of their weights lie inside the buffer.
  fileprivate func base(
    group: Int, outputs: Range<Int>, channels: Int, places: Int
  ) -> UnsafeMutablePointer<Float> {
    let first = start + group * groupStep + outputs.lowerBound
    let ends = [first, first + (places - 1) * placeStep].flatMap {
      [$0, $0 + (channels - 1) * channelStep + outputs.count - 1]
    }
    precondition(ends.allSatisfy { $0 >= 0 && $0 < buffer.count }, "weights beyond the buffer")
    return buffer.base + first
  }
}

/// Weights that change with every step of training.
extension WinogradConvolution {
  /// Packs a panel as `pack(panel:_:)` does, bit for bit, a vector of outputs at a time.
  package func pack(panel: Int, _ planes: FilterPlanes, _ kernels: LayerKernels) {
    let outputs = outputs(ofPanel: panel)
    let (group, local) = panel.quotientAndRemainder(dividingBy: panels.perGroup)
    let (pass, place) = local.quotientAndRemainder(dividingBy: panelsPerPass)
    let first = outputs.lowerBound - group * shape.outputsPerGroup
    let panelFloats = depth * panels.width
    kernels.table.pointee.filters.weights(
      scheme.number,
      planes.base(
        group: group, outputs: first..<first + outputs.count, channels: depth,
        places: shape.kernelSize.area),
      planes.placeStep, planes.channelStep, outputs.count, depth, panels.width,
      weights.base + weightStart(group: group, pass: pass) + place * panelFloats,
      panels(ofPass: pass).count * panelFloats)
  }
}
