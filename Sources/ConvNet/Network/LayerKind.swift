internal import Formats
internal import Tensors

/// What a layer computes: all that is to be known of one kind of layer, in one file of `Layers`.
///
/// To add a kind, write its file and name it in `LayerKinds`; when no kernel does what it needs, add
/// one to `CKernels`. Networks, weight files and the engine ask the kind and know no other.
protocol LayerKind: Hashable, Sendable {
  /// What Caffe calls the kind, and where its files keep the layer's settings.
  static var caffe: CaffeLayerType { get }
  /// Takes a layer's settings from text.
  ///
  /// - Throws: `TextFormatError` for one that is missing, wrong, or not honoured.
  init(reading settings: inout LayerSettings) throws(TextFormatError)
  /// The layer's settings as Caffe's files have them; by default none.
  var caffeSettings: [CaffeSetting] { get }

  /// Why the layer cannot follow activations of this shape; nil when it can.
  ///
  /// - Parameter isFlat: they have no plane, as behind an inner product.
  func problem(with input: BlobShape, isFlat: Bool) -> String?
  /// What it makes has no plane; by default what it reads has none.
  func isFlat(behind isFlat: Bool) -> Bool
  /// - Precondition: the layer can follow activations of this shape.
  func outputShape(from input: BlobShape) -> BlobShape
  /// The layer's numbers in the order in which Caffe's files have them; none by default.
  func parameters(from input: BlobShape) -> [ParameterShape]
  /// Multiplications with weights, of one image; 0 by default.
  func multiplyAdds(from input: BlobShape) -> Int

  /// What the layer computes, for training.
  func operation(from input: BlobShape) -> LayerOperation

  /// The layer does nothing at test time; false by default.
  var isIdentity: Bool { get }
  /// What `:pre` in a blob's name stands before; false by default.
  var isActivation: Bool { get }
  /// The layer may be said to replace its input; false by default.
  var canReplaceInput: Bool { get }
  /// What the layer makes lies where its input does; false by default.
  var sharesMap: Bool { get }

  /// How far the layer reads beyond its input's edges: the map it reads gets such a frame of zeros.
  /// 0 by default.
  var inputPadding: Int { get }
  /// How a network's input is to be folded when this is its first layer; nil, the default, for not at
  /// all.
  func inputFolding(_ input: MapLayout, output: BlobShape) -> SpaceToDepth?
  /// The layer scales channels, and no more: `scaling` says how. False by default.
  var scalesChannels: Bool { get }
  /// - Precondition: `scalesChannels`.
  func scaling(_ parameters: LayerParameters) -> ChannelScaling
  /// Adds the layer's steps to an engine's plan, and a place for what they make.
  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner)
}

/// The name and shape of some of a layer's numbers: `weight`, `bias`.
struct ParameterShape: Hashable, Sendable {
  let name: String
  let shape: [Int]

  init(_ name: String, _ shape: [Int]) { (self.name, self.shape) = (name, shape) }

  var count: Int { shape.reduce(1, *) }
}

extension LayerKind {
  var caffeSettings: [CaffeSetting] { [] }
  func problem(with input: BlobShape, isFlat: Bool) -> String? { nil }
  func isFlat(behind isFlat: Bool) -> Bool { isFlat }
  func outputShape(from input: BlobShape) -> BlobShape { input }
  func parameters(from input: BlobShape) -> [ParameterShape] { [] }
  func multiplyAdds(from input: BlobShape) -> Int { 0 }
  var isIdentity: Bool { false }
  var isActivation: Bool { false }
  var canReplaceInput: Bool { false }
  var sharesMap: Bool { false }
  var inputPadding: Int { 0 }
  func inputFolding(_ input: MapLayout, output: BlobShape) -> SpaceToDepth? { nil }
  var scalesChannels: Bool { false }
  func scaling(_ parameters: LayerParameters) -> ChannelScaling {
    preconditionFailure("\(Self.caffe.name) does not scale channels")
  }

  /// The problem of a kind that goes over a plane.
  func problemOfPlane(isFlat: Bool) -> String? {
    isFlat ? "\(Self.caffe.name) goes over a plane, and what comes before has none" : nil
  }
}
