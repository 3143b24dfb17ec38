extension Engine {
  /// Seconds of all threads by step since this was last called, in the order the steps run; not while
  /// the engine runs.
  package func takeTimes() -> [LayerTime] {
    let sums = tallies.map { $0.take() }
    return plan.stepNames.enumerated().map { i, name in
      LayerTime(layer: name, seconds: sums.reduce(0) { $0 + $1[i] })
    }
  }

  /// As `run`, but step by step, maps on the calling thread only: seconds by layer, in the order
  /// they run. Rows that are copied to be outputs or inner products' inputs count as `… rows`.
  package func measure(count: Int) -> [(layer: String, seconds: Double)] {
    let clock = ContinuousClock()
    var times = [Duration](repeating: .zero, count: plan.mapSteps.count)
    forEachMapPart(count: count) { part, images, chunk in
      times[part.step] += clock.measure {
        plan.mapSteps[part.step].run(images, part: part, of: chunk, kernels.float)
      }
    }
    times += plan.rowSteps.map { step in
      clock.measure { step.run(count: count, team, scratch: rowScratch) }
    }
    return zip(plan.stepNames, times).map { ($0, $1 / .seconds(1)) }
  }

  /// What the products of a layer take, in full precision.
  package struct ProductTime: Sendable {
    package let layer: String
    package let seconds: Double
    /// Those that are made: of convolutions those of the transformed inputs, which are fewer than the
    /// definition has; of inner products perhaps without the inputs that are zero.
    package let multiplyAdds: Int
  }

  /// As `measure`, but of the products alone: those of convolutions without their transforms, and
  /// inner products.
  package func measureProducts(count: Int) -> [ProductTime] {
    let clock = ContinuousClock()
    var times = [Duration](repeating: .zero, count: plan.mapSteps.count)
    forEachMapPart(count: count) { part, images, chunk in
      let step = plan.mapSteps[part.step]
      step.run(images, part: part, of: chunk, kernels.float)
      times[part.step] += clock.measure { step.repeatProducts(images, part: part, of: chunk) }
    }
    var multiplyAdds = plan.mapSteps.map { count * $0.multiplyAdds }
    for step in plan.rowSteps {
      times.append(
        clock.measure { multiplyAdds.append(step.run(count: count, team, scratch: rowScratch)) })
    }
    let names = plan.stepNames
    return names.indices.filter { multiplyAdds[$0] > 0 }.map {
      ProductTime(
        layer: names[$0], seconds: times[$0] / .seconds(1),
        multiplyAdds: multiplyAdds[$0])
    }
  }

  /// Calls `body` for all parts of the steps on maps, in the order in which one thread takes them.
  private func forEachMapPart(
    count: Int, _ body: (_ part: StepPart, _ images: Range<Int>, _ chunk: Chunk) -> Void
  ) {
    forEachPart(of: 0..<count, size: EnginePlan.chunkSize) { images in
      let chunk = Chunk(
        images: images, inputs: inputMaps, firstInput: 0, workspaces: workspaces, worker: 0,
        team: nil)
      for stage in plan.mapStages {
        forEachPart(of: images, size: stage.imagesAtOnce) { taken in
          for part in stage.parts { body(part, taken, chunk) }
        }
      }
    }
  }
}
