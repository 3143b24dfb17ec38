import Tensors
import Testing

@Suite struct LocalSystemTests {
  /// The same bits as by explicit loops.
  @Test(arguments: KernelClass.supported, [(5, 128), (3, 7), (1, 1), (0, 4)])
  func productsAreThoseOfTheDefinition(kernelClass: KernelClass, shape: (Int, Int)) {
    let (size, width) = shape
    var chance = SeededGenerator(seed: 6)
    let words = (0..<9 * width).map { _ in chance.normal() }
    let descriptor = (0..<width).map { _ in chance.normal() }
    let rows = Array([7, 2, 8, 0, 3].prefix(size))
    var scratch: [Double] = []
    let system = LocalSystem(kernelClass)
    for _ in 0..<2 {
      let found = system.products(
        of: words, rows: rows, with: descriptor.span, scratch: &scratch)
      for (i, a) in rows.enumerated() {
        for (k, b) in rows.enumerated() {
          var sum = 0.0
          for j in 0..<width {
            let x = Double(descriptor[j])
            sum += (Double(words[a * width + j]) - x) * (Double(words[b * width + j]) - x)
          }
          #expect(found[i * size + k] == sum)
        }
      }
    }
  }
}
