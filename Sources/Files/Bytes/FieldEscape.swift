/// Text as a field of a tab-separated line, and back: in `rows.tsv` and in the journal.
///
/// Tab, line feed, carriage return and backslash become `\t`, `\n`, `\r` and `\\`; all other bytes
/// stay as they are, valid UTF-8 or not.
package enum FieldEscape {
  package static func append(_ text: some Sequence<UInt8>, to line: inout [UInt8]) {
    for byte in text {
      switch byte {
      case UInt8(ascii: "\t"): line += [UInt8(ascii: "\\"), UInt8(ascii: "t")]
      case UInt8(ascii: "\n"): line += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
      case UInt8(ascii: "\r"): line += [UInt8(ascii: "\\"), UInt8(ascii: "r")]
      case UInt8(ascii: "\\"): line += [UInt8(ascii: "\\"), UInt8(ascii: "\\")]
      default: line.append(byte)
      }
    }
  }

  /// Nil when a backslash begins none of the four.
  package static func decode(_ field: some Sequence<UInt8>) -> [UInt8]? {
    var text = [UInt8]()
    var isEscaped = false
    for byte in field {
      if !isEscaped {
        if byte == UInt8(ascii: "\\") { isEscaped = true } else { text.append(byte) }
        continue
      }
      isEscaped = false
      switch byte {
      case UInt8(ascii: "t"): text.append(UInt8(ascii: "\t"))
      case UInt8(ascii: "n"): text.append(UInt8(ascii: "\n"))
      case UInt8(ascii: "r"): text.append(UInt8(ascii: "\r"))
      case UInt8(ascii: "\\"): text.append(UInt8(ascii: "\\"))
      default: return nil
      }
    }
    return isEscaped ? nil : text
  }
}
