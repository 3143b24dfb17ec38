package import ConvNet
internal import Foundation
internal import Tensors

/// The slow twin of training: a network's loss and gradients in double precision, by explicit loops
/// over C×H×W arrays, image by image.
///
/// Its own gradients are checked by central differences of its loss.
package struct SlowTraining {
  /// Without a softmax at the end, which belongs to the loss.
  package let layers: [NetworkDefinition.Layer]
  /// Of each layer that has some: weights, then biases.
  package var parameters: [String: [[Double]]]
  /// What dropout behind a layer multiplies its outputs with, by image; nil for nothing.
  package var masks: (_ layer: String, _ image: Int) -> [Double]?

  package init(
    _ definition: NetworkDefinition, parameters: [String: [[Double]]],
    masks: @escaping (String, Int) -> [Double]? = { _, _ in nil }
  ) {
    layers = definition.layers.filter { $0.operation != .softmax && $0.operation != .dropout }
    self.parameters = parameters
    self.masks = masks
  }

  /// The mean loss of some images.
  package func loss(_ images: [[Double]], labels: [Int]) -> Double {
    images.indices.reduce(0.0) {
      $0 + loss(of: activations(images[$1], $1).last!, label: labels[$1]).loss
    } / Double(images.count)
  }

  /// The mean loss, and its gradients by all parameters and by the images.
  package func gradients(
    _ images: [[Double]], labels: [Int]
  ) -> (loss: Double, parameters: [String: [[Double]]], images: [[Double]]) {
    var (sum, ofImages) = (0.0, [[Double]]())
    var ofParameters = parameters.mapValues { $0.map { [Double](repeating: 0, count: $0.count) } }
    for image in images.indices {
      let blobs = activations(images[image], image)
      var (loss, gradient) = loss(of: blobs.last!, label: labels[image])
      sum += loss
      gradient = gradient.map { $0 / Double(images.count) }
      for (i, layer) in layers.enumerated().reversed() {
        if let mask = masks(layer.name, image) { gradient = zip(gradient, mask).map(*) }
        var own = ofParameters[layer.name] ?? []
        gradient = backward(layer, blobs[i], gradient, &own)
        if !own.isEmpty { ofParameters[layer.name] = own }
      }
      ofImages.append(gradient)
    }
    return (sum / Double(images.count), ofParameters, ofImages)
  }

  /// The input and what each layer makes of it.
  private func activations(_ image: [Double], _ number: Int) -> [[Double]] {
    layers.reduce(into: [image]) { blobs, layer in
      var made = forward(layer, blobs.last!)
      if let mask = masks(layer.name, number) { made = zip(made, mask).map(*) }
      blobs.append(made)
    }
  }

  private func loss(of logits: [Double], label: Int) -> (loss: Double, gradient: [Double]) {
    let largest = logits.max()!
    let sum = logits.reduce(0) { $0 + exp($1 - largest) }
    return (
      log(sum) + largest - logits[label],
      logits.indices.map { exp(logits[$0] - largest) / sum - ($0 == label ? 1 : 0) }
    )
  }

  // MARK: Layers

  private func forward(_ layer: NetworkDefinition.Layer, _ x: [Double]) -> [Double] {
    let numbers = parameters[layer.name] ?? []
    var y = [Double](repeating: 0, count: layer.outputShape.count)
    switch layer.operation {
    case .convolution, .innerProduct:
      forEachProduct(layer) { o, i, w in y[o] += numbers[0][w] * x[i] }
      if numbers.count > 1 {
        let pixels = layer.outputShape.height * layer.outputShape.width
        for o in y.indices { y[o] += numbers[1][o / pixels] }
      }
    case .maxPooling:
      forEachWindow(layer) { o, window, _ in
        y[o] = window.map { x[$0] }.max()!
      }
    case .averagePooling:
      forEachWindow(layer) { o, window, places in
        y[o] = window.reduce(0) { $0 + x[$1] } / Double(places)
      }
    case .normalization(_, _, let beta, _):
      let z = normalizers(layer, x)
      for i in y.indices { y[i] = x[i] * pow(z[i], -Double(beta)) }
    case .rectification(let slope):
      for i in y.indices { y[i] = x[i] < 0 ? Double(slope) * x[i] : x[i] }
    case .learnedRectification:
      for i in y.indices { y[i] = x[i] < 0 ? numbers[0][slope(layer, i)] * x[i] : x[i] }
    case .hyperbolicTangent: y = x.map { tanh($0) }
    case .sigmoid: y = x.map { 1 / (1 + exp(-$0)) }
    case .flattening: y = x
    case .softmax, .dropout, .channelScaling: preconditionFailure("not trained")
    }
    return y
  }

  /// Adds to the gradients of the layer's numbers; gives that of its input.
  private func backward(
    _ layer: NetworkDefinition.Layer, _ x: [Double], _ dy: [Double], _ gradients: inout [[Double]]
  ) -> [Double] {
    let numbers = parameters[layer.name] ?? []
    var dx = [Double](repeating: 0, count: x.count)
    switch layer.operation {
    case .convolution, .innerProduct:
      forEachProduct(layer) { o, i, w in
        gradients[0][w] += dy[o] * x[i]
        dx[i] += dy[o] * numbers[0][w]
      }
      if numbers.count > 1 {
        let pixels = layer.outputShape.height * layer.outputShape.width
        for o in dy.indices { gradients[1][o / pixels] += dy[o] }
      }
    case .maxPooling:
      forEachWindow(layer) { o, window, _ in
        let largest = window.map { x[$0] }.max()!
        dx[window.first { x[$0] == largest }!] += dy[o]
      }
    case .averagePooling:
      forEachWindow(layer) { o, window, places in
        for i in window { dx[i] += dy[o] / Double(places) }
      }
    case .normalization(let size, let alpha, let beta, _):
      let z = normalizers(layer, x)
      let pixels = layer.inputShape.height * layer.inputShape.width
      for i in x.indices { dx[i] = dy[i] * pow(z[i], -Double(beta)) }
      for (i, j) in neighbours(layer, size, pixels) {
        // b[j] = a[j] · z[j]^-beta, and z[j] has a[i]² in it.
        dx[i] -=
          2 * Double(alpha) * Double(beta) / Double(size) * x[i] * x[j]
          * pow(z[j], -Double(beta) - 1) * dy[j]
      }
    case .rectification(let slope):
      for i in x.indices { dx[i] = x[i] > 0 ? dy[i] : Double(slope) * dy[i] }
    case .learnedRectification:
      for i in x.indices {
        let s = slope(layer, i)
        if x[i] < 0 { gradients[0][s] += x[i] * dy[i] }
        dx[i] = x[i] > 0 ? dy[i] : numbers[0][s] * dy[i]
      }
    case .hyperbolicTangent: dx = zip(x, dy).map { $1 * (1 - tanh($0) * tanh($0)) }
    case .sigmoid:
      dx = zip(x, dy).map { x, dy in
        let y = 1 / (1 + exp(-x))
        return dy * y * (1 - y)
      }
    case .flattening: dx = dy
    case .softmax, .dropout, .channelScaling: preconditionFailure("not trained")
    }
    return dx
  }

  /// The number of a slope.
  private func slope(_ layer: NetworkDefinition.Layer, _ i: Int) -> Int {
    let shape = layer.inputShape
    return layer.operation == .learnedRectification(isShared: true)
      ? 0 : i / (shape.height * shape.width)
  }

  /// Every product of an input with a weight, and the output that it is part of.
  private func forEachProduct(
    _ layer: NetworkDefinition.Layer, _ body: (_ output: Int, _ input: Int, _ weight: Int) -> Void
  ) {
    let (input, output) = (layer.inputShape, layer.outputShape)
    guard case .convolution(let shape) = layer.operation else {
      for o in 0..<output.count {
        for i in 0..<input.count { body(o, i, o * input.count + i) }
      }
      return
    }
    let (size, perGroup) = (shape.kernelSize, shape.channelsPerGroup)
    for o in 0..<output.count {
      let channel = o / (output.height * output.width)
      let (y, x) = (o / output.width % output.height, o % output.width)
      let first = channel / shape.outputsPerGroup * perGroup
      for c in 0..<perGroup {
        for v in 0..<size.height {
          for u in 0..<size.width {
            let row = y * shape.stride.height + v * shape.dilation.height - shape.padding.height
            let column = x * shape.stride.width + u * shape.dilation.width - shape.padding.width
            guard (0..<input.height).contains(row), (0..<input.width).contains(column) else {
              continue
            }
            body(
              o, ((first + c) * input.height + row) * input.width + column,
              ((channel * perGroup + c) * size.height + v) * size.width + u)
          }
        }
      }
    }
  }

  /// Each output of pooling with the inputs of its window, row by row, and the places that count.
  private func forEachWindow(
    _ layer: NetworkDefinition.Layer,
    _ body: (_ output: Int, _ inputs: [Int], _ places: Int) -> Void
  ) {
    let windows: PoolingWindows
    switch layer.operation {
    case .maxPooling(let found), .averagePooling(let found): windows = found
    default: preconditionFailure("no pooling")
    }
    let (input, output) = (layer.inputShape, layer.outputShape)
    for o in 0..<output.count {
      let top = o / output.width % output.height * windows.stride.height - windows.padding.height
      let left = o % output.width * windows.stride.width - windows.padding.width
      let rows = top..<min(top + windows.kernelSize.height, input.height + windows.padding.height)
      let columns =
        left..<min(left + windows.kernelSize.width, input.width + windows.padding.width)
      let plane = o / (output.height * output.width) * input.height
      let inside = rows.filter { (0..<input.height).contains($0) }.flatMap { y in
        columns.filter { (0..<input.width).contains($0) }.map { (plane + y) * input.width + $0 }
      }
      body(o, inside, rows.count * columns.count)
    }
  }

  private func normalizers(_ layer: NetworkDefinition.Layer, _ x: [Double]) -> [Double] {
    guard case .normalization(let size, let alpha, _, let k) = layer.operation else {
      preconditionFailure("no normalization")
    }
    var z = [Double](repeating: Double(k), count: x.count)
    for (i, j) in neighbours(layer, size, layer.inputShape.height * layer.inputShape.width) {
      z[i] += Double(alpha) / Double(size) * x[j] * x[j]
    }
    return z
  }

  /// All pairs of an activation and one in a channel near to it, itself among them.
  private func neighbours(
    _ layer: NetworkDefinition.Layer, _ size: Int, _ pixels: Int
  ) -> [(Int, Int)] {
    let channels = layer.inputShape.channels
    return (0..<channels).flatMap { c in
      (max(0, c - size / 2)...min(channels - 1, c + size / 2)).flatMap { d in
        (0..<pixels).map { (c * pixels + $0, d * pixels + $0) }
      }
    }
  }
}
