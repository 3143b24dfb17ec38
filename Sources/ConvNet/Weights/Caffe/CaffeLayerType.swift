/// What Caffe calls a kind of layer, and which of a layer's messages has the settings of that kind.
///
/// Source: `LayerParameter` and `V1LayerParameter` in Caffe's `src/caffe/proto/caffe.proto`.
struct CaffeLayerType: Sendable {
  /// `LayerParameter.type`.
  let name: String
  /// `V1LayerParameter.LayerType`.
  let v1Number: UInt64
  /// Nil when the kind has no settings that matter.
  let settings: Settings?

  /// Where the two generations of the format keep the settings: `ConvolutionParameter` and its like.
  struct Settings: Sendable {
    let field: Int
    let v1Field: Int
    /// Fields that newer writers pack, the repeated numbers among them: `kernel_size: 11` is one.
    var packed = 0..<0

    init(field: Int, v1Field: Int, packed: ClosedRange<Int>? = nil) {
      self.field = field
      self.v1Field = v1Field
      if let packed { self.packed = Range(packed) }
    }
  }

  init(_ name: String, v1Number: UInt64, settings: Settings? = nil) {
    self.name = name
    self.v1Number = v1Number
    self.settings = settings
  }
}

/// One setting of a layer as Caffe's files have it: where it is found, what it is if it is not there,
/// and the layer's own value.
struct CaffeSetting: Sendable {
  enum Value: Sendable, Equatable {
    case integer(Int)
    case float(Float)
  }

  enum Use: Sendable {
    /// It is compared with a file's, and written.
    case both
    /// It is compared alone: the only value that the kind of layer has, which is Caffe's default.
    case checked
    /// It is written alone: a file's is known otherwise.
    case written
  }

  /// For messages.
  let name: String
  /// Field numbers that can hold it: the one for both axes first, then perhaps one an axis.
  let fields: [Int]
  let value: Value
  let defaultValue: Double
  let use: Use

  init(_ name: String, _ fields: [Int], _ value: Int, default: Int, _ use: Use = .both) {
    self.name = name
    self.fields = fields
    self.value = .integer(value)
    defaultValue = Double(`default`)
    self.use = use
  }

  init(_ name: String, _ fields: [Int], _ value: Float, default: Double, _ use: Use = .both) {
    self.name = name
    self.fields = fields
    self.value = .float(value)
    defaultValue = `default`
    self.use = use
  }

  var number: Double {
    switch value {
    case .integer(let value): Double(value)
    case .float(let value): Double(value)
    }
  }
}
