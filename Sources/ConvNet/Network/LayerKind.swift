internal import Tensors

/// What a layer computes: all that is to be known of one kind of layer, in one file of `Layers`.
///
/// To add a kind, write its file and name it in `LayerKinds`; when no kernel does what it needs, add
/// one to `CKernels`. Networks, weight files and the engine ask the kind and know no other.
protocol LayerKind: Hashable, Sendable {
  /// What Caffe calls the kind, and where its files keep the layer's settings.
  static var caffe: CaffeLayerType { get }
  /// The layer's settings as Caffe's files have them; by default none.
  var caffeSettings: [CaffeSetting] { get }

  /// - Precondition: the layer can follow activations of this shape.
  func outputShape(from input: BlobShape) -> BlobShape
  /// The shape of the weights, outputs first; nil, the default, for a layer without. A layer with
  /// weights has a bias for each output.
  func weightShape(from input: BlobShape) -> [Int]?
  /// The layer does nothing at test time, and networks leave it out; false by default.
  var isIdentity: Bool { get }

  /// How far the layer reads beyond its input's edges: the map it reads gets such a frame of zeros.
  /// 0 by default.
  var inputPadding: Int { get }
  /// The layer's step can do the work of a ReLU behind it; false by default.
  var canRectify: Bool { get }
  /// How a network's input is to be folded when this is its first layer; nil, the default, for not at
  /// all.
  func inputFolding(_ input: MapLayout, output: BlobShape) -> SpaceToDepth?
  /// Adds the layer's steps to an engine's plan, and a place for what they make.
  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner)
}

extension LayerKind {
  var caffeSettings: [CaffeSetting] { [] }
  func weightShape(from input: BlobShape) -> [Int]? { nil }
  var isIdentity: Bool { false }
  var inputPadding: Int { 0 }
  var canRectify: Bool { false }
  func inputFolding(_ input: MapLayout, output: BlobShape) -> SpaceToDepth? { nil }
}
