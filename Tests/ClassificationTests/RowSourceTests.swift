import Classification
import FeatureStore
import Tensors
import TestSupport
import Testing

@Suite struct RowSourceTests {
  private func values(_ rows: some RowSource, _ range: Range<Int>) throws -> [Float] {
    var scratch: [Float] = []
    var values: [Float] = []
    try rows.withRows(range, scratch: &scratch) { span in
      for i in span.indices { values.append(span[i]) }
    }
    return values
  }

  private static func numbered(_ count: Int, from first: Int, classes: [String]) -> ArrayRows {
    ArrayRows(
      width: 2, values: (0..<2 * count).map { Float(first + $0) },
      labels: (0..<count).map { $0 % classes.count }, classNames: classes)
  }

  @Test func selectedRowsAreThoseOfTheBaseInTheirOrder() throws {
    var base = Self.numbered(6, from: 0, classes: ["a", "b"])
    base.failedRows = [5]
    let rows = SelectedRows(base, rows: [3, 4, 0, 5, 0])
    #expect(rows.rowCount == 5 && rows.width == 2)
    #expect(try values(rows, 0..<5) == [6, 7, 8, 9, 0, 1, 10, 11, 0, 1])
    #expect(try values(rows, 1..<3) == [8, 9, 0, 1])
    #expect(rows.use(of: 0) == .labelled(1) && rows.use(of: 3) == .failed)
    #expect(rows.origin(of: 1) == ("memory", 4))
  }

  @Test func joinedRowsUniteClassesByName() throws {
    var first = Self.numbered(3, from: 0, classes: ["10", "9"])
    first.name = "x"
    let second = Self.numbered(4, from: 100, classes: ["2", "9"])
    let rows = try JoinedRows([first, second, SelectedRows(first, rows: []), first])
    #expect(rows.classNames == ["2", "9", "10"])
    #expect(
      (0..<10).map { rows.use(of: $0) }
        == [2, 1, 2, 0, 1, 0, 1, 2, 1, 2].map { RowUse.labelled($0) })
    #expect(try values(rows, 2..<5) == [4, 5, 100, 101, 102, 103])
    #expect(try values(rows, 6..<8) == [106, 107, 0, 1])
    #expect(rows.origin(of: 9) == ("x", 2) && rows.origin(of: 3) == ("memory", 0))
  }

  @Test func rowsOfOtherWidthsAreRefused() throws {
    let first = Self.numbered(3, from: 0, classes: ["a", "b"])
    var second = first
    (second.name, second.width, second.values) = ("wide", 4, [Float](repeating: 0, count: 12))
    #expect(
      throws: ClassificationError.widthsDiffer(
        source: "wide", width: 4, first: "memory", firstWidth: 2)
    ) { try JoinedRows([first, second]) }
  }

  @Test func storesMadeOtherwiseAreRefusedByName() throws {
    try withTemporaryFolder { folder in
      var fixture = StoreFixture.random()
      _ = try fixture.write("\(folder)/a")
      fixture.dtype = .float16
      _ = try fixture.write("\(folder)/half")
      fixture.crop = 224
      _ = try fixture.write("\(folder)/other")
      let both = try TrainingStores(["\(folder)/a", "\(folder)/half"], layer: "fc6")
      #expect(both.rows.rowCount == 180 && both.rows.classNames.count == 3)
      #expect(
        throws: ClassificationError.incompatibleStores(
          first: "\(folder)/a", source: "\(folder)/other",
          differences: ["transform.crop: expected 227, found 224"])
      ) { try TrainingStores(["\(folder)/a", "\(folder)/other"], layer: "fc6") }
    }
  }

  @Test func weightsMustFitTheRows() throws {
    let rows = Self.numbered(3, from: 0, classes: ["a", "b"])
    #expect(throws: ClassificationError.weightCount(source: "memory", found: 2, expected: 3)) {
      try WeightedRows(rows, weights: [1, 2])
    }
    for bad in [-1, .nan, Double.infinity] {
      #expect {
        try WeightedRows(rows, weights: [1, bad, 1])
      } throws: {
        guard case ClassificationError.invalidWeight("row 1", _) = $0 else { return false }
        return true
      }
    }
    let weighted = try WeightedRows(
      WeightedRows(rows, weights: [1, 2, 3]), weights: [2, 2, 0])
    #expect((0..<3).map { weighted.weight(of: $0) } == [2, 4, 0])
  }
}
