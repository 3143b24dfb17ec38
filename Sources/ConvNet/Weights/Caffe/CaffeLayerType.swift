internal import Tensors

/// What Caffe calls a kind of layer, and which of a layer's messages has the settings of that kind.
///
/// Source: `LayerParameter` and `V1LayerParameter` in Caffe's `src/caffe/proto/caffe.proto`.
struct CaffeLayerType: Sendable {
  /// `LayerParameter.type`.
  let name: String
  /// `V1LayerParameter.LayerType`; nil for kinds that came later.
  let v1Number: UInt64?
  /// The message's name, such as `convolution_param`.
  let settingsName: String
  /// Nil when the kind has no settings that matter in a file of weights.
  let settings: Settings?

  /// Where the two generations of the format keep the settings: `ConvolutionParameter` and its like.
  struct Settings: Sendable {
    /// In text.
    let name: String
    let field: Int
    let v1Field: Int?
    /// Fields that newer writers pack, the repeated numbers among them: `kernel_size: 11` is one.
    let packed: Set<Int>

    init(_ name: String, field: Int, v1Field: Int?, repeated: [ClosedRange<Int>] = []) {
      self.name = name
      self.field = field
      self.v1Field = v1Field
      packed = Set(repeated.joined())
    }
  }

  init(_ name: String, v1Number: UInt64?, settings: Settings) {
    self.name = name
    self.v1Number = v1Number
    self.settings = settings
    settingsName = settings.name
  }

  /// A kind whose settings matter nowhere.
  init(_ name: String, v1Number: UInt64?, settingsName: String) {
    self.name = name
    self.v1Number = v1Number
    self.settingsName = settingsName
    settings = nil
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
    /// It is compared alone: the layer has Caffe's default.
    case checked
    /// It is written alone: a file's is known otherwise.
    case written
  }

  /// For messages.
  let name: String
  /// Field numbers that can hold it: the one for both axes first, then perhaps one of an axis.
  let fields: [Int]
  /// Which of several numbers of the first field is meant, if it has several: 0 is the height's.
  let axis: Int
  /// The field that a file gets.
  let writtenField: Int
  let value: Value
  let defaultValue: Double
  let use: Use

  init(_ name: String, _ fields: [Int], _ value: Int, default: Int, _ use: Use = .both) {
    self.init(name, fields, .integer(value), default: Double(`default`), use)
  }

  init(_ name: String, _ fields: [Int], _ value: Float, default: Double, _ use: Use = .both) {
    self.init(name, fields, .float(value), default: `default`, use)
  }

  private init(
    _ name: String, _ fields: [Int], _ value: Value, default: Double, _ use: Use, axis: Int = 0,
    writtenField: Int? = nil
  ) {
    (self.name, self.fields, self.value) = (name, fields, value)
    (defaultValue, self.use, self.axis) = (`default`, use, axis)
    self.writtenField = writtenField ?? fields[0]
  }

  /// The two settings of a size of both axes.
  ///
  /// - Parameters:
  ///   - both: the field for both, or for one after the other.
  ///   - axes: those of height and width, where there are such.
  static func plane(
    _ name: String, _ both: Int, axes: (height: Int, width: Int)?, _ size: PlaneSize,
    default: Int, _ use: Use = .both
  ) -> [CaffeSetting] {
    // Equal sizes are written once, in the usual field.
    let isOnce = size.isSquare
    return [
      CaffeSetting(
        isOnce ? name : "\(name) (height)", [both] + (axes.map { [$0.height] } ?? []),
        .integer(size.height), default: Double(`default`), use,
        writtenField: isOnce ? nil : axes?.height),
      CaffeSetting(
        isOnce ? name : "\(name) (width)", [both] + (axes.map { [$0.width] } ?? []),
        .integer(size.width), default: Double(`default`), isOnce ? .checked : use,
        axis: 1, writtenField: isOnce ? nil : axes?.width),
    ]
  }

  var number: Double {
    switch value {
    case .integer(let value): Double(value)
    case .float(let value): Double(value)
    }
  }
}
