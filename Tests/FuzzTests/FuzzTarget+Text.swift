import Files
import TestSupport

@testable import Classification
@testable import ConvNet
@testable import Evaluation
@testable import Images
@testable import decaf

extension FuzzTarget {
  private static func list(_ name: String, _ texts: [String]) -> FuzzTarget {
    FuzzTarget("list\(name)", texts: texts) { bytes, folder in
      let list = try ImageList(
        contentsOf: writeTestFile(bytes, "list\(name)", in: folder))
      for row in 0..<list.count {
        let entry = list[row]
        _ = list.location(of: entry)
        _ = entry.box?.clipped(width: 640, height: 480)
      }
    }
  }

  static let lists = [
    list(
      ".txt",
      [
        "a.jpg\nb/c d.jpg cat\n# comment\n\n\u{feff}e.png  dog\r\n",
        "\u{feff}x.jpg 1\ny.jpg 22\nz.jpg 3\n", "e\u{301}.jpg \u{e9}\n",
      ]),
    list(
      ".tsv",
      [
        "path\tlabel\tx\ty\twidth\theight\na.jpg\tcat\t1\t2\t30\t40\nb.jpg\t dog \t\t\t\t\n",
        "label\tpath\r\n7\ta.jpg\r\n07\tb.jpg\r\n",
      ]),
    list(
      ".csv",
      [
        "path,label\n\"a,b.jpg\",\"cat \"\"x\"\"\"\nc.jpg, dog\n\"multi\nline.jpg\",\n",
        "path,x,y,width,height\na.jpg,0.5,1,2.5,3\nb.jpg,-1,-1,9999999,1\n",
      ]),
    list(
      ".jsonl",
      [
        #"{"path": "a.jpg", "label": "cat", "x": 1, "y": 2, "width": 3, "height": 4}"#
          + "\n" + #"{"path":"b\u00e9.jpg","label":7,"other":{"a":[1,"]"]}}"# + "\n"
      ]),
    FuzzTarget("list.gz", FuzzSeeds { _ in [compressedList] }) { bytes, folder in
      let list = try ImageList(contentsOf: writeTestFile(bytes, "list.gz", in: folder))
      for row in 0..<list.count { _ = list[row] }
    },
    FuzzTarget(
      "list.tar",
      FuzzSeeds { _ in
        [
          tarBytes([
            ("a.jpg", [1, 2, 3]), ("a.cls", Array("7".utf8)), ("b.png", [4]),
            ("b.json", Array(#"{"label": "x", "x": 1, "y": 2, "width": 3, "height": 4}"#.utf8)),
          ]),
          tarHeader("pax", size: 17, kind: "x") + Array("17 path=abcd.png\n".utf8)
            + [UInt8](repeating: 0, count: 495) + tarBytes([("x", [9])]),
        ]
      }
    ) { bytes, folder in
      let list = try ImageList(contentsOf: writeTestFile(bytes, "list.tar", in: folder))
      for row in 0..<list.count { _ = try? ImageFile.read(list.location(of: list[row])) }
    },
    FuzzTarget(
      "folder-of-boxes",
      texts: ["path\tx\ty\twidth\theight\na.jpg\t1\t2\t30\t40\nb.jpg\t-5\t0\t1e8\t3\n"]
    ) { bytes, folder in
      let list = try ImageList(contentsOf: writeTestFile(bytes, "boxes.tsv", in: folder))
      for row in 0..<list.count { _ = list[row].box?.clipped(width: 7, height: 5) }
    },
  ]

  /// Two lines of a list, compressed.
  private static let compressedList: [UInt8] = [
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0x4b, 0xd4, 0xcb, 0x2a, 0x48, 0x57, 0xa8, 0xe0, 2, 0, 0xc4,
    0x62, 0xd3, 0x2f, 8, 0, 0, 0,
  ]

  private static let json = #"""
    {"a": [1, -2.5e3, true, null, "\u00e9\ud83d\ude00\n"], "b": {"c": {}, "d.e": 1, "d": {"e": 2}}}
    """#

  private static let adaptation = """
    name: t
    title: T
    kind: adaptation
    layers: [fc6, fc7]
    losses: [softmax, logistic]
    dropout: [0, 0.5]
    normalize: l2
    C: [0.1, 1, 10]
    validation: {rows: 1, of: 3, fallback-C: 1}
    source-rows: {amazon: 20, webcam: 8}
    target-rows: 3
    pairs: [amazon→webcam, webcam→amazon]
    methods: [S, T, ST]
    splits: 5
    seed: 3
    stores: {amazon: a.store, webcam: w.store}
    paper:
      - {layer: fc6, loss: softmax, group: amazon→webcam, column: S, accuracy: 78.5, deviation: 1.5}
    """

  private static let fewShot = """
    name: t
    title: T
    kind: few-shot
    layers: &x [fc6]
    losses: [softmax]
    normalize: none
    C: [1]
    training-rows: [2, 4]
    reserved-rows: 5
    test-rows: 2
    splits: 2
    seed: 3
    """

  private static let transform = """
    name: t
    resize: {mode: warp, width: 256, height: 256, filter: bilinear}
    crop: 227
    channels: bgr
    scale: 1
    mean: [104.00698793, 116.66876762, 122.67891434]
    """

  private static let network = """
    name: "Net" # a comment
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 20, 20] } } }
    layer {
      name: "c" type: "Convolution" bottom: "data" top: "c" param { lr_mult: 1 }
      convolution_param { num_output: 4 kernel_size: 3 pad: 1 stride: 2 group: 1 dilation: 1 }
    }
    layer { name: "b" type: "BatchNorm" bottom: "c" top: "c" batch_norm_param { eps: 1e-3 } }
    layer { name: "s" type: "Scale" bottom: "c" top: "c" scale_param { bias_term: true } }
    layer { name: "r" type: "ReLU" bottom: "c" top: "c" relu_param { negative_slope: 0.1 } }
    layer { name: "n" type: "LRN" bottom: "c" top: "n" lrn_param { local_size: 3 alpha: 1e-4 k: 2 } }
    layer { name: "p" type: "Pooling" bottom: "n" top: "p" pooling_param { pool: AVE kernel_size: 3
      stride: 2 pad: 1 round_mode: FLOOR } }
    layer { name: "f" type: "InnerProduct" bottom: "p" top: "f" inner_product_param { num_output: 5 } }
    layer { name: "prob" type: "Softmax" bottom: "f" top: "prob" }
    """

  private static let oldNetwork = """
    input: 'data' input_dim: 1; input_dim: 3, input_dim: 9 input_dim: 8
    layers < name: "c" type: CONVOLUTION bottom: "data" top: "c" blobs_lr: 1
      convolution_param < kernel_h: 3 kernel_w: 2 num_output: 2 bias_term: false > >
    layers { name: "p" type: POOLING bottom: "c" top: "p" pooling_param { global_pooling: true } }
    """

  static let texts = [
    FuzzTarget("prototxt", texts: [network, oldNetwork]) { bytes, _ in
      let network = try Architecture(parsing: bytes, source: "fuzz")
      _ = (network.definition.usualBlobs, network.definition.layers.map(\.multiplyAdds))
    },
    FuzzTarget("json", texts: [json, "[[[[1]]]]", "{\"k\":1e300}"]) { bytes, _ in
      let value = try JSONValue(parsing: bytes)
      let again = try JSONValue(parsing: Array(value.compactText.utf8))
      if again != value { throw ProblemError("it is not what it was") }
      _ = (value.prettyText, value.flattened, value.differences(from: .null), value.count)
    },
    FuzzTarget("yaml-protocol", texts: [adaptation, fewShot]) { bytes, _ in
      let text = String(decoding: bytes, as: UTF8.self)
      let evaluation = try EvaluationProtocol.parse(text, source: "fuzz").protocol
      _ = (evaluation.roles, evaluation.layers.flatMap { evaluation.methods(layer: $0) })
      _ = evaluation.validation?.heldOut(of: 1_000_000)
    },
    FuzzTarget(
      "evaluation-outcomes",
      texts: [
        """
        [{"task":0,"C":10,"validation":0.5,"relativeGap":1e-7,"isConverged":true,\
        "confusion":[0,0,5,0,1,2],"notFinite":0},{"task":1,"C":1,"relativeGap":"nan",\
        "isConverged":false,"confusion":[],"notFinite":3}]
        """
      ]
    ) { bytes, _ in
      for outcome in try Outcome.decoded(bytes)
      where outcome.isPossible(taskCount: 4, classCount: 3) {
        _ = (outcome.adding(outcome), outcome.meanPerClass(classCount: 3), outcome.isUnproved)
      }
    },
    FuzzTarget("yaml-transform", texts: [transform]) { bytes, _ in
      _ = try InputTransform(yaml: String(decoding: bytes, as: UTF8.self), source: "fuzz")
    },
    FuzzTarget(
      "yaml-config",
      texts: ["batch: 16\nlayers: [fc6, fc7]\noverwrite: true\nroot: \"/a b\"\nmax-hours: 1.5\n"]
    ) { bytes, folder in
      let path = try writeTestFile(bytes, "config.yaml", in: folder)
      _ = try ConfigFile.expanding(["extract", "list.txt", "--config", path])
    },
    FuzzTarget("class-weights", texts: ["cat\t2\nblack cat  0.5\n", "1 1e3\r\n2 4\r\n"]) {
      bytes, folder in
      let path = try writeTestFile(bytes, "weights.txt", in: folder)
      let weights = ClassWeights.named(try WeightFile.classWeights(path))
      _ = weights.values(names: ["cat", "1"], counts: [1, 2])
    },
    FuzzTarget("row-weights", texts: ["1\n2.5\n0\n"]) { bytes, folder in
      _ = try WeightFile.rowWeights(writeTestFile(bytes, "weights.txt", in: folder))
    },
  ]
}
