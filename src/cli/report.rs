//! Diagnostics for people on stderr, or for programs as JSON lines.

use super::args::Format;
use crate::config::Diagnostic;
use std::io::{IsTerminal, Write};

/// Writes diagnostics to stderr: one line each, on a terminal with the source line and a caret; as JSON one object a line.
pub fn report(diagnostics: &[Diagnostic], format: Format) {
    let stderr = std::io::stderr();
    let terminal = stderr.is_terminal();
    // There is nobody left to tell when stderr is closed.
    let _ = write(&mut stderr.lock(), diagnostics, format, terminal);
}

fn write(out: &mut impl Write, diagnostics: &[Diagnostic], format: Format, terminal: bool) -> std::io::Result<()> {
    for diagnostic in diagnostics {
        match format {
            Format::Text => writeln!(out, "{}", diagnostic.render(terminal))?,
            Format::Json => writeln!(out, "{}", serde_json::to_string(diagnostic)?)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Severity;

    #[test]
    fn one_line_each_in_both_forms() {
        let diagnostics =
            [Diagnostic::new(Severity::Note, "config", "a"), Diagnostic::new(Severity::Error, "config", "b")];
        let written = |format| {
            let mut out = Vec::new();
            write(&mut out, &diagnostics, format, false).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(Format::Text), "note[config]: a\nerror[config]: b\n");
        assert_eq!(written(Format::Json).lines().count(), 2);
        assert!(written(Format::Json).starts_with("{\"severity\":\"note\",\"code\":\"config\",\"message\":\"a\"}"));
    }
}
