internal import Foundation

/// The processors a process may run on, as the system writes them: `0-3,8`.
package struct ProcessorSet: Equatable, Sendable {
  private let processors: Set<Int>

  package var count: Int { processors.count }

  /// `0-3,8`.
  package var description: String {
    var ranges: [ClosedRange<Int>] = []
    for processor in processors.sorted() {
      if let last = ranges.last, last.upperBound == processor - 1 {
        ranges[ranges.count - 1] = last.lowerBound...processor
      } else {
        ranges.append(processor...processor)
      }
    }
    return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      .joined(separator: ",")
  }

  package init(description: String) {
    var processors: Set<Int> = []
    for part in description.split(separator: ",") {
      let bounds = part.split(separator: "-").compactMap { Int($0) }
      if let first = bounds.first, let last = bounds.last, first <= last {
        processors.formUnion(first...last)
      }
    }
    self.processors = processors
  }

  private init(_ processors: Set<Int>) { self.processors = processors }

  package func overlaps(_ other: Self) -> Bool { !processors.isDisjoint(with: other.processors) }

  package func union(_ other: Self) -> Self { Self(processors.union(other.processors)) }

  /// This process's affinity mask; see proc_pid_status(5).
  package static var current: ProcessorSet {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let field = "Cpus_allowed_list:"
    let line = status.split(separator: "\n").first { $0.hasPrefix(field) }
    let list = line?.dropFirst(field.count).trimmingCharacters(in: .whitespaces) ?? ""
    return ProcessorSet(
      description: list.isEmpty ? "0-\(ProcessInfo.processInfo.activeProcessorCount - 1)" : list)
  }

  /// Processors of this machine, whether this process may use them or not.
  package static var onlineCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}
