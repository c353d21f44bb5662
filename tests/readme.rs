//! The guides say what is there: the README's program is the example, and every file that a guide points at exists.

use std::path::Path;

const README: &str = include_str!("../README.md");
const QUICKSTART: &str = include_str!("../examples/quickstart.rs");
const GUIDES: [(&str, &str); 4] = [
    ("README.md", README),
    ("ARCHITECTURE.md", include_str!("../ARCHITECTURE.md")),
    ("CONTRIBUTING.md", include_str!("../CONTRIBUTING.md")),
    ("CHANGELOG.md", include_str!("../CHANGELOG.md")),
];

#[test]
fn the_first_program_of_the_readme_is_the_quickstart_example() {
    let program = first_program(README);
    let example = QUICKSTART.lines().skip_while(|line| line.is_empty() || line.starts_with("//!"));
    assert_eq!(program.lines().collect::<Vec<_>>(), example.collect::<Vec<_>>());
}

#[test]
fn the_first_program_has_fewer_than_forty_lines() {
    assert!(first_program(README).lines().count() < 40);
}

#[test]
fn every_file_that_a_guide_links_to_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (guide, text) in GUIDES {
        for target in links(text) {
            assert!(root.join(target).exists(), "{guide} links to {target}, which is not there");
        }
    }
}

fn first_program(guide: &str) -> &str {
    let (_, from) = guide.split_once("```rust\n").expect("a block of Rust");
    let (program, _) = from.split_once("```").expect("the end of the block");
    program
}

/// The targets of the links to files, without what is on the web or in the same document.
fn links(guide: &str) -> impl Iterator<Item = &str> {
    let targets = guide.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains("://"))
}
