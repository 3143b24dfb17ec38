internal import ArgumentParser
internal import Classification
internal import ConvNet
internal import Descriptors
internal import Extraction
internal import FeatureStore
internal import Images
internal import NetworkTraining
internal import Tensors

// Values of the modules below that options take: written as their raw values, all named in the help.

extension DecodeMode: ExpressibleByArgument {}
extension DescriptorKind: ExpressibleByArgument {}
extension GatherMode: ExpressibleByArgument {}
extension Loss: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
extension ProgressStyle: ExpressibleByArgument {}
extension RatePolicy: ExpressibleByArgument {}
extension RowNormalization: ExpressibleByArgument {}
extension SolverSettings.Method: ExpressibleByArgument {}
extension Views: ExpressibleByArgument {}

/// Of the types of numbers, those that a store can hold.
extension ElementType: ExpressibleByArgument {
  init?(argument: String) {
    guard let type = Self.storable.first(where: { $0.rawValue == argument }) else { return nil }
    self = type
  }

  static var allValueStrings: [String] { storable.map(\.rawValue) }
}
