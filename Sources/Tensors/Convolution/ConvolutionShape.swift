/// A convolution's filters, and how they go over a map: output `y`, `x` is the sum over a group's
/// channels of what lies from `stride·y − padding`, `stride·x − padding` on, times the weights.
package struct ConvolutionShape: Hashable, Sendable {
  /// Channels of the map that is read and of the one that is made, all groups together.
  package let channels: Int
  package let outputs: Int
  /// Width and height of a filter.
  package let kernelSize: Int
  package let stride: Int
  package let padding: Int
  /// Groups of channels, each with filters of its own.
  package let groups: Int

  /// - Precondition: groups are equally large.
  package init(
    channels: Int, outputs: Int, kernelSize: Int, stride: Int = 1, padding: Int = 0, groups: Int = 1
  ) {
    precondition(
      groups > 0 && channels % groups == 0 && outputs % groups == 0, "groups of different sizes")
    precondition(
      kernelSize > 0 && stride > 0 && padding >= 0, "filters need a positive size and stride")
    (self.channels, self.outputs, self.groups) = (channels, outputs, groups)
    (self.kernelSize, self.stride, self.padding) = (kernelSize, stride, padding)
  }

  package var channelsPerGroup: Int { channels / groups }
  package var outputsPerGroup: Int { outputs / groups }
  /// Weights of an output: those of its group's channels.
  package var weightsPerOutput: Int { channelsPerGroup * kernelSize * kernelSize }

  /// A side of what is made of a map with that side. Rounded down: windows that do not fit are left
  /// out.
  package func outputSide(_ side: Int) -> Int { (side + 2 * padding - kernelSize) / stride + 1 }

  /// `input` has the channels and the frame that are read, and `output` is what becomes of it.
  func fits(from input: MapLayout, to output: MapLayout) -> Bool {
    input.channels == channels && output.channels == outputs && input.padding >= padding
      && outputSide(input.height) == output.height && outputSide(input.width) == output.width
  }
}
