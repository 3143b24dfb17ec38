// swift-tools-version: 6.2
import PackageDescription

/// Every target is compiled with the same upcoming language features.
let features: [SwiftSetting] = [
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("ExistentialAny"),
]

/// The MPI library, by its name in pkg-config: `DECAF_MPI=ompi` (the default) or `mpich`.
let mpi =
  switch Context.environment["DECAF_MPI"] ?? "ompi" {
  case "ompi": "ompi-c"
  case "mpich": "mpich"
  case let other: fatalError("DECAF_MPI=\(other): expected ompi or mpich")
  }

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "decaf",
  products: [
    .executable(name: "decaf", targets: ["decaf"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  // Bottom-up: a target depends only on targets above it in this list.
  targets: [
    // C libraries, each with exactly one Swift importer.
    .systemLibrary(
      name: "CMPI", path: "Sources/C/CMPI", pkgConfig: mpi,
      providers: [.apt(["libopenmpi-dev", "openmpi-bin"]), .brew(["open-mpi"])]),
    .systemLibrary(
      name: "CZlib", path: "Sources/C/CZlib", pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .systemLibrary(
      name: "CCrypto", path: "Sources/C/CCrypto", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"]), .brew(["openssl"])]),
    .target(name: "CJPEG", path: "Sources/C/CJPEG", linkerSettings: [.linkedLibrary("jpeg")]),
    .target(name: "CPNG", path: "Sources/C/CPNG", linkerSettings: [.linkedLibrary("png")]),
    .target(
      name: "CWebP", path: "Sources/C/CWebP",
      linkerSettings: [.linkedLibrary("webp"), .linkedLibrary("webpdemux")]),
    .target(name: "COpenBLAS", path: "Sources/C/COpenBLAS", linkerSettings: [.linkedLibrary("dl")]),
    .target(name: "CChecksum", path: "Sources/C/CChecksum"),
    .target(name: "CMappings", path: "Sources/C/CMappings"),
    .target(name: "CKernels", path: "Sources/C/CKernels"),
    .target(name: "CStopSignal", path: "Sources/C/CStopSignal"),

    // Foundations.
    .target(
      name: "Files", dependencies: ["CChecksum", "CCrypto", "CMappings", "CZlib"],
      swiftSettings: features),
    .target(name: "Tensors", dependencies: ["CKernels", "Files"], swiftSettings: features),
    .target(
      name: "LinearAlgebra", dependencies: ["COpenBLAS", "Files", "Tensors"],
      swiftSettings: features),
    .target(name: "Formats", dependencies: ["Files", "Tensors"], swiftSettings: features),
    .target(
      name: "Communication", dependencies: ["CStopSignal", "Files", logging],
      swiftSettings: features),
    .target(
      name: "MPI", dependencies: ["CMPI", "Communication", "Files", logging],
      swiftSettings: features),
    .target(
      name: "Images", dependencies: ["CJPEG", "CPNG", "CWebP", "Files", "Tensors"],
      swiftSettings: features),
    .target(
      name: "Presets", dependencies: [yams], path: "Configs",
      resources: [
        "caffe", "caffe-cpp", "decaf-release", "matconvnet", "pycaffe", "torchvision", "vgg",
      ].map {
        .embedInCode("preprocess/\($0).yaml")
      }
        + ["caltech101", "cub", "few-shot", "office", "one-shot", "sun397"].map {
          .embedInCode("protocols/\($0).yaml")
        }
        + [
          "alexnet", "caffenet", "nin", "torchvision", "torchvision-vgg16",
          "torchvision-vgg16-bn", "torchvision-vgg19", "vgg-f", "vgg-m", "vgg-s", "vgg16", "vgg19",
          "zfnet",
        ].map { .embedInCode("networks/\($0).prototxt") }
        + [
          "deep.png", "digests.txt", "gray.jpg", "inks.jpg", "lossless.webp", "lossy.webp",
          "network.prototxt", "palette.png", "progressive.jpg", "subsampled.jpg",
        ].map { .embedInCode("selftest/\($0)") },
      swiftSettings: features),

    // Images to activations; rows on disk.
    .target(
      name: "ConvNet", dependencies: ["Files", "Formats", "Images", "Presets", "Tensors"],
      swiftSettings: features),
    .target(
      name: "Descriptors", dependencies: ["ConvNet", "Files", "Formats", "Tensors"],
      swiftSettings: features),
    .target(
      name: "FeatureStore", dependencies: ["Files", "Formats", "Images", "Tensors"],
      swiftSettings: features),

    .target(
      name: "Interchange", dependencies: ["FeatureStore", "Files", "Formats", "Tensors"],
      swiftSettings: features),

    // The two halves of the work; they meet at the store.
    .target(
      name: "Extraction",
      dependencies: [
        "Communication", "ConvNet", "Descriptors", "FeatureStore", "Files", "Formats", "Images",
        "Tensors", logging,
      ],
      swiftSettings: features),
    .target(
      name: "Classification",
      dependencies: ["Communication", "FeatureStore", "Files", "Formats", "Tensors", logging],
      swiftSettings: features),

    .target(
      name: "NetworkTraining",
      dependencies: ["Communication", "ConvNet", "Files", "Formats", "Images", "Tensors"],
      swiftSettings: features),
    .target(
      name: "Embedding", dependencies: ["FeatureStore", "Files", "LinearAlgebra", "Tensors"],
      swiftSettings: features),
    .target(name: "Plotting", swiftSettings: features),
    .target(
      name: "Evaluation",
      dependencies: [
        "Classification", "Communication", "FeatureStore", "Files", "Images", "Plotting", "Presets",
        "Tensors",
      ],
      swiftSettings: features),

    .target(
      name: "SelfTesting",
      dependencies: [
        "Classification", "Communication", "ConvNet", "Extraction", "FeatureStore", "Files",
        "Images", "Presets", "Tensors", logging,
      ],
      swiftSettings: features),

    .executableTarget(
      name: "decaf",
      dependencies: [
        "Classification", "Communication", "ConvNet", "Descriptors", "Embedding", "Evaluation",
        "Extraction", "FeatureStore", "Files", "Formats", "Images", "Interchange", "LinearAlgebra",
        "MPI", "NetworkTraining", "Plotting", "Presets", "SelfTesting", "Tensors", argumentParser,
        logging, yams,
      ],
      swiftSettings: features, plugins: ["BuildFacts"]),
    .plugin(name: "BuildFacts", capability: .buildTool()),
    .executableTarget(
      name: "DemoImages", dependencies: ["Images", argumentParser],
      path: "Sources/Programs/DemoImages", swiftSettings: features),

    // Tests.
    .target(
      name: "TestSupport",
      dependencies: ["Communication", "ConvNet", "Files", "Images", "Tensors"],
      path: "Tests/TestSupport", swiftSettings: features),
    // Apart from the rest, so that it is quickly built with another MPI library.
    .target(
      name: "ConformanceSupport", dependencies: ["Communication"],
      path: "Tests/ConformanceSupport", swiftSettings: features),
    .executableTarget(
      name: "MPIConformance",
      dependencies: ["Communication", "ConformanceSupport", "Files", "MPI"],
      path: "Sources/Programs/MPIConformance", swiftSettings: features),
    .executableTarget(
      name: "CoordinatorBenchmark",
      dependencies: [
        "Communication", "ConvNet", "Extraction", "Files", "MPI", "Tensors", logging,
      ],
      path: "Sources/Programs/CoordinatorBenchmark", swiftSettings: features),
    .executableTarget(
      name: "ImageInspector",
      dependencies: ["ConvNet", "Descriptors", "Files", "Images", "Tensors"],
      path: "Sources/Programs/ImageInspector",
      swiftSettings: features),
    .executableTarget(
      name: "EngineBenchmark", dependencies: ["ConvNet", "Tensors"],
      path: "Sources/Programs/EngineBenchmark",
      swiftSettings: features),
    .executableTarget(
      name: "TrainingBenchmark",
      dependencies: ["Communication", "ConvNet", "MPI", "NetworkTraining", "Tensors"],
      path: "Sources/Programs/TrainingBenchmark",
      swiftSettings: features),
    .testTarget(
      name: "FilesTests", dependencies: ["Files", "TestSupport"], swiftSettings: features),
    .testTarget(
      name: "LinearAlgebraTests", dependencies: ["LinearAlgebra", "Tensors"],
      swiftSettings: features),
    .testTarget(
      name: "FormatsTests", dependencies: ["Formats", "Tensors", "TestSupport"],
      swiftSettings: features),
    .testTarget(
      name: "TensorsTests", dependencies: ["Files", "Images", "Tensors", "TestSupport"],
      swiftSettings: features),
    .testTarget(
      name: "CommunicationTests", dependencies: ["Communication", "ConformanceSupport", "Files"],
      swiftSettings: features),
    .testTarget(
      name: "ImagesTests", dependencies: ["Files", "Images", "Tensors", "TestSupport"],
      swiftSettings: features),
    .testTarget(
      name: "ConvNetTests",
      dependencies: ["ConvNet", "Files", "Formats", "Images", "Tensors", "TestSupport"],
      swiftSettings: features),
    .testTarget(
      name: "DescriptorsTests",
      dependencies: ["ConvNet", "Descriptors", "Files", "Formats", "Tensors", "TestSupport"],
      swiftSettings: features),
    .testTarget(
      name: "FeatureStoreTests",
      dependencies: ["FeatureStore", "Files", "Formats", "Images", "Tensors"],
      swiftSettings: features),
    .testTarget(
      name: "InterchangeTests",
      dependencies: [
        "FeatureStore", "Files", "Formats", "Images", "Interchange", "Tensors", "TestSupport",
      ],
      swiftSettings: features),
    .testTarget(
      name: "ExtractionTests",
      dependencies: [
        "Communication", "ConvNet", "Descriptors", "Extraction", "FeatureStore", "Files", "Images",
        "Tensors", "TestSupport", logging,
      ],
      swiftSettings: features),
    .testTarget(
      name: "ClassificationTests",
      dependencies: [
        "Classification", "Communication", "FeatureStore", "Files", "Formats", "Images", "Tensors",
        "TestSupport",
      ],
      swiftSettings: features),
    .testTarget(
      name: "EvaluationTests",
      dependencies: [
        "Classification", "Communication", "Evaluation", "FeatureStore", "Files", "Images",
        "Plotting", "Tensors", "TestSupport",
      ], swiftSettings: features),
    .testTarget(
      name: "FuzzTests",
      dependencies: [
        "Classification", "Communication", "ConvNet", "Descriptors", "Evaluation", "Extraction",
        "FeatureStore", "Files", "Formats", "Images", "Interchange", "Tensors", "TestSupport",
        "decaf",
      ],
      swiftSettings: features),
    .testTarget(
      name: "NetworkTrainingTests",
      dependencies: [
        "Communication", "ConvNet", "Files", "Formats", "Images", "NetworkTraining", "Tensors",
        "TestSupport",
      ],
      swiftSettings: features),
    .testTarget(
      name: "EmbeddingTests", dependencies: ["Embedding", "Files", "Tensors"],
      swiftSettings: features),
    .testTarget(name: "PlottingTests", dependencies: ["Plotting"], swiftSettings: features),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "ConvNet", "DemoImages", "FeatureStore", "Files", "Images", "MPIConformance", "Tensors",
        "TestSupport", "decaf", argumentParser,
      ],
      swiftSettings: features),
  ],
  swiftLanguageModes: [.v6]
)
