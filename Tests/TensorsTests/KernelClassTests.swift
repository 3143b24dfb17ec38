import Testing

@testable import Tensors

@Suite struct KernelClassTests {
  @Test func theFastestClassThatTheProcessorHasIsChosen() throws {
    let cases: [(ProcessorFeatures, KernelClass)] = [
      ([], .baseline), ([.avx2], .baseline), ([.fma], .baseline), ([.avx2, .fma], .avx2),
      ([.avx512f], .baseline), ([.avx2, .fma, .avx512f], .avx512), ([.neon], .neon),
    ]
    for (features, expected) in cases {
      #expect(try KernelClass.selected(request: nil, features: features) == expected)
      #expect(try KernelClass.selected(request: "", features: features) == expected)
    }
  }

  @Test func aSlowerClassCanBeRequested() throws {
    let features: ProcessorFeatures = [.avx2, .fma, .avx512f]
    for kernelClass in [KernelClass.baseline, .avx2, .avx512] {
      #expect(
        try KernelClass.selected(request: kernelClass.rawValue, features: features) == kernelClass)
    }
  }

  @Test func aClassThatTheProcessorLacksIsRefused() {
    #expect(throws: KernelError.unsupportedClass(.avx512, supported: [.baseline, .avx2])) {
      try KernelClass.selected(request: "avx512", features: [.avx2, .fma])
    }
    #expect(throws: KernelError.unsupportedClass(.neon, supported: [.baseline])) {
      try KernelClass.selected(request: "neon", features: [])
    }
  }

  @Test func anUnknownClassIsRefusedWithTheChoices() {
    let error = #expect(throws: KernelError.self) {
      try KernelClass.selected(request: "AVX2", features: [.avx2, .fma])
    }
    #expect(error == .unknownClass("AVX2", supported: [.baseline, .avx2]))
    #expect(error?.description.contains("expected baseline, avx2, found 'AVX2'") == true)
  }

  @Test func everyClassIsAnInstructionSetOfTheList() {
    #expect(KernelSet.all.map(\.name) == KernelClass.allCases.map(\.rawValue))
  }

  @Test func thisProcessorsClassesHaveKernels() {
    #expect(KernelClass.supported.first == .baseline)
    for kernelClass in KernelClass.supported {
      #expect(NetworkKernels(kernelClass).mostColumns >= 8)
    }
  }

  @Test func panelsWasteTheFewestColumnsAndAreWide() {
    func widths(vector: Int, most: Int) -> [Int] {
      [1, 64, 96, 128, 150, 192, 256, 384].map {
        NetworkKernels.panelWidth(columns: $0, vector: vector, most: most)
      }
    }
    #expect(widths(vector: 16, most: 64) == [16, 64, 48, 64, 32, 64, 64, 64])
    #expect(widths(vector: 8, most: 16) == [8, 16, 16, 16, 8, 16, 16, 16])
    #expect(widths(vector: 4, most: 8) == [4, 8, 8, 8, 8, 8, 8, 8])
  }
}
