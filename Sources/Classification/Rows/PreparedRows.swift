/// Rows that training has looked at once, with what several trainings on them share.
final class PreparedRows {
  /// What training minimizes the losses of: the clean rows, or noised copies of them.
  let rows: LocalRows
  /// The rows as prediction takes them; `rows` where nothing is dropped.
  let cleanRows: LocalRows
  /// What is dropped from them; nil for nothing.
  let dropout: Dropout?
  /// What is done to their features, after normalization.
  let scaling: FeatureScaling?
  let context: TrainingContext
  private var gram: GramMatrix?

  /// Collective; see `LocalRows`.
  init(_ source: any RowSource, options: TrainingOptions, _ context: TrainingContext) throws {
    self.context = context
    let plain = try LocalRows(source, options: options, context)
    var options = options
    if options.standardizes {
      let scaling = try FeatureScaling(plain, context)
      let scaled = StandardizedRows(
        base: source, normalization: options.normalization, scaling: scaling)
      options.normalization = .none
      cleanRows = try LocalRows(scaled, options: options, context)
      self.scaling = scaling
    } else {
      (cleanRows, scaling) = (plain, nil)
    }
    dropout = options.effectiveDropout
    if let dropout {
      let dropped = DroppedRows(
        base: cleanRows.source, normalization: options.normalization, dropout: dropout)
      options.normalization = .none
      rows = try LocalRows(dropped, options: options, context)
    } else {
      rows = cleanRows
    }
  }

  /// The products of the rows with each other, made when first asked for. Collective.
  ///
  /// - Precondition: all callers want the bias regularized, or none.
  func gram(_ options: TrainingOptions) throws -> GramMatrix {
    if let gram { return gram }
    let made = try GramMatrix(rows, regularizesBias: options.regularizesBias, context)
    gram = made
    return made
  }

  /// The clean row that a row stands for.
  func cleanRow(_ row: Int) -> Int { row / (dropout?.copies ?? 1) }

  /// Whether several problems on parts of the rows are best solved in terms of rows.
  ///
  /// Not those on noised copies, whose products with the clean rows held out would be needed too.
  func solvesInRowSpace(_ options: TrainingOptions) -> Bool {
    if dropout != nil { return false }
    return switch options.method {
    case .featureSpace, .dual: false
    case .rowSpace: true
    case .automatic: fitsRowSpace
    }
  }

  /// Whether there are no more rows than features, and the matrix of their products is not too large.
  var fitsRowSpace: Bool {
    rows.rowCount <= rows.width && 8 * rows.rowCount * rows.rowCount <= GramMatrix.memoryLimit
  }
}
