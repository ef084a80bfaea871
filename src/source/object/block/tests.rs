use serde_json::Value;

fn fast(text: &str) -> Option<Value> {
    crate::source::object::plain_yaml_value(text)
}

fn full(text: &str) -> Option<Value> {
    crate::source::object::any_yaml_value(text)
}

/// What the fast reader must take, and exactly as the full one does.
const TAKEN: &[&str] = &[
    "apiVersion: v1\nkind: Service\nmetadata:\n  name: web # the shop\n  labels: {}\nspec:\n  ports:\n  - name: http\n    port: 80\n",
    "a:\n- b: 1\n  c:\n  - 2\n  -\n  - d: ~\n    e: null\n- f\nz: -5\n",
    "a:\n    - - 1\n      - 2\n    - x: why\nb:\nc: ''\nd: \"two words\"\n",
    "addresses: [10.0.0.1, \"10.0.0.2\", fd00::1]\nports: [{ name: http, port: 80 }, {\"a\": [], b: {}}]\n",
    "text: |\n  first\n    second\n\n  # no comment\n\nstrip: |-\n  one\nnext: 1\n",
    "- |\n  x\n- y: |\n    z\n",
    "time: 2024-03-01T00:00:00Z\nip: 10.0.0.1\nrange: 10.0.0.0/16\nv6: 2001:db8::1\nv6s: ::1\nversion: 1.2.3\n",
    "# head\n\n'quoted key': a#b\n\"k\": c #d\ncmd: echo -n hello, world\n",
    "just text\n",
    "a: 0\nb: 18\nc: -1\nd: true\ne: false\nt: truex\n",
    "a: 1\r\nb:\r\n  - x\r\n",
    "a: b:c\nurl: http://x.y/z\n",
];

/// What the fast reader must leave to the full one.
const LEFT: &[&str] = &[
    "# a control\u{7} character in a comment\na: 1\n",
    "# schön\na: 1\n",
    "a: |-\n  a control\u{0} character in a literal\n",
    "a: |\n  x\r\n",
    "|\ntext\n---\na: 1\n",
    "a: &x 1\nb: *x\n",
    "a: !!str 1\n",
    "a: \"tab\\t\"\n",
    "a: 'it''s'\n",
    "a: word\n  more words\n",
    "a: \"open\n  end\"\n",
    "a: [1,\n 2]\n",
    "a: >\n  folded\n",
    "a: |+\n  keep\n\n",
    "a: |2\n    x\n",
    "a: 0x1f\n",
    "a: 007\n",
    "a: 1.5\n",
    "a: 1e3\n",
    "a: yes\n",
    "a: .inf\n",
    "? a\n: b\n",
    "<<: {a: 1}\n",
    "a: b: c\n",
    "a:\n\t- b\n",
    "a: 1\n   b: 2\n",
    "a:\n    b: 1\n  c: 2\n",
    "- a\nb: 1\n",
    "a: 1\n- b\n",
    "- a\n  - b\n",
    "a: [b\n",
    "a: {b}\n",
    "a: }\n",
    "a: @b\n",
    "null: 1\n",
    "key with space: 1\n",
    "a: \u{e9}\n",
    "a: - b\n",
];

#[test]
fn agrees_with_the_full_reader() {
    for text in TAKEN {
        let taken = fast(text);
        assert!(taken.is_some(), "left: {text:?}");
        assert_eq!(taken, full(text), "{text:?}");
    }
}

#[test]
fn leaves_what_it_does_not_know() {
    for text in LEFT {
        assert_eq!(fast(text), None, "{text:?}");
    }
}

proptest::proptest! {
    /// Whatever it takes, it takes as the full reader does.
    #[test]
    fn never_disagrees(lines in proptest::collection::vec("( {0,4}(- ){0,2})((a|b|c: |d:|\"e\": |'f':|# x)([a-c0-9.:~-]{0,4}|\\[a, b\\]|\\{a: 1\\}|\"x y\"|\\|-?| z))?", 1..8)) {
        let text = lines.join("\n");
        if let Some(value) = fast(&text) {
            proptest::prop_assert_eq!(Some(value), full(&text), "{:?}", text);
        }
    }
}

#[test]
fn long_texts_are_read_alike() {
    for length in [100, 1_000, 1_023, 1_024, 1_025, 3_000] {
        let long = "k".repeat(length);
        let texts = [
            format!("{long}: 1\n"),
            format!("\"{long}\": 1\n"),
            format!("a: {{ {long}: 1 }}\n"),
            format!("- - {long}: 1\n"),
            format!("a: {long}\n"),
            format!("a: {}1{}\n", "[".repeat(length), "]".repeat(length)),
            format!("a: 1{}\n", "0".repeat(length)),
        ];
        for text in texts {
            if let Some(read) = fast(&text) {
                assert!(Some(read) == full(&text), "{length}: {}", &text[..60.min(text.len())]);
            }
        }
    }
}
