/// How a convolution's outputs are cut into panels, group by group: `width` outputs each, the last of
/// a group with what is left.
struct OutputPanels: Sendable {
  private let groups: Int
  private let outputsPerGroup: Int
  /// PW, the outputs of a panel.
  let width: Int

  init(of shape: ConvolutionShape, width: Int) {
    (groups, outputsPerGroup, self.width) = (shape.groups, shape.outputsPerGroup, width)
  }

  var perGroup: Int { (outputsPerGroup + width - 1) / width }
  var count: Int { groups * perGroup }

  /// The output channels of a panel, counted over all groups.
  func outputs(of panel: Int) -> Range<Int> {
    let (group, local) = panel.quotientAndRemainder(dividingBy: perGroup)
    let start = group * outputsPerGroup
    return start + local * width..<start + min((local + 1) * width, outputsPerGroup)
  }
}
