//! Which language a file is in, by its name.

use std::path::Path;

#[derive(Debug)]
pub(crate) struct Language {
    pub(crate) name: &'static str,
    /// A word for it that can be part of an address.
    pub(crate) key: &'static str,
    /// In lower case.
    extensions: &'static [&'static str],
    file_names: &'static [&'static str],
}

impl Language {
    /// By the whole file name or else by the extension, in either case of letters.
    pub(crate) fn of(path: &Path) -> &'static Self {
        let file_name = path.file_name().and_then(|name| name.to_str());
        let extension = path.extension().and_then(|extension| extension.to_str());
        by(file_name, |language| language.file_names)
            .or_else(|| by(extension, |language| language.extensions))
            .unwrap_or(&OTHER)
    }
}

/// The first language that lists `word`. There are few enough of them to look at one after the other.
fn by(word: Option<&str>, list: fn(&Language) -> &'static [&'static str]) -> Option<&'static Language> {
    let word = word?;
    LANGUAGES.iter().find(|language| {
        let mut words = list(language).iter();
        words.any(|listed| listed.eq_ignore_ascii_case(word))
    })
}

const fn language(
    name: &'static str,
    key: &'static str,
    extensions: &'static [&'static str],
    file_names: &'static [&'static str],
) -> Language {
    Language { name, key, extensions, file_names }
}

static OTHER: Language = language("Other", "other", &[], &[]);

#[rustfmt::skip]
static LANGUAGES: [Language; 62] = [
    language("Ada", "ada", &["adb", "ads"], &[]),
    language("Assembly", "assembly", &["asm", "s"], &[]),
    language("Awk", "awk", &["awk"], &[]),
    language("Batch", "batch", &["bat", "cmd"], &[]),
    language("C", "c", &["c"], &[]),
    language("C#", "csharp", &["cs", "csx"], &[]),
    language("C++", "cpp", &["cc", "cpp", "cxx", "c++", "hh", "hpp", "hxx", "inl", "ipp"], &[]),
    language("C/C++ Header", "header", &["h"], &[]),
    language("CMake", "cmake", &["cmake"], &["CMakeLists.txt"]),
    language("CSS", "css", &["css"], &[]),
    language("Clojure", "clojure", &["clj", "cljc", "cljs", "edn"], &[]),
    language("CUDA", "cuda", &["cu", "cuh"], &[]),
    language("D", "d", &["d"], &[]),
    language("Dart", "dart", &["dart"], &[]),
    language("Diff", "diff", &["diff", "patch"], &[]),
    language("Dockerfile", "dockerfile", &["dockerfile"], &["Dockerfile", "Containerfile"]),
    language("Elixir", "elixir", &["ex", "exs"], &[]),
    language("Elm", "elm", &["elm"], &[]),
    language("Erlang", "erlang", &["erl", "hrl"], &[]),
    language("F#", "fsharp", &["fs", "fsi", "fsx"], &[]),
    language("Fortran", "fortran", &["f", "f03", "f08", "f77", "f90", "f95", "for"], &[]),
    language("GraphQL", "graphql", &["gql", "graphql"], &[]),
    language("Go", "go", &["go"], &["go.mod", "go.sum"]),
    language("Groovy", "groovy", &["gradle", "groovy"], &["Jenkinsfile"]),
    language("HTML", "html", &["htm", "html", "xhtml"], &[]),
    language("Haskell", "haskell", &["hs", "lhs"], &[]),
    language("INI", "ini", &["cfg", "conf", "ini", "properties"], &[".editorconfig", ".gitconfig", ".gitmodules"]),
    language("Ignore List", "ignore", &[], &[".dockerignore", ".gitignore", ".ignore", ".npmignore"]),
    language("JSON", "json", &["geojson", "json", "json5", "jsonc", "jsonl"], &[]),
    language("Java", "java", &["java"], &[]),
    language("JavaScript", "javascript", &["cjs", "js", "jsx", "mjs"], &[]),
    language("Julia", "julia", &["jl"], &[]),
    language("Kotlin", "kotlin", &["kt", "kts"], &[]),
    language("Lisp", "lisp", &["el", "lisp", "lsp", "scm"], &[]),
    language("Lua", "lua", &["lua"], &[]),
    language("Makefile", "makefile", &["mak", "mk"], &["GNUmakefile", "Makefile"]),
    language("Markdown", "markdown", &["markdown", "md", "mdx"], &[]),
    language("Meson", "meson", &[], &["meson.build", "meson_options.txt"]),
    language("Nix", "nix", &["nix"], &[]),
    language("OCaml", "ocaml", &["ml", "mli"], &[]),
    language("Objective-C", "objective-c", &["m", "mm"], &[]),
    language("PHP", "php", &["php", "phtml"], &[]),
    language("Perl", "perl", &["pl", "pm"], &[]),
    language("Plain Text", "text", &["text", "txt"], &["AUTHORS", "COPYING", "LICENSE", "NOTICE", "README"]),
    language("PowerShell", "powershell", &["ps1", "psd1", "psm1"], &[]),
    language("Protocol Buffers", "protobuf", &["proto"], &[]),
    language("Python", "python", &["py", "pyi", "pyw"], &[]),
    language("R", "r", &["r", "rmd"], &[]),
    language("Ruby", "ruby", &["gemspec", "rake", "rb"], &["Gemfile", "Rakefile"]),
    language("Rust", "rust", &["rs"], &[]),
    language("SQL", "sql", &["sql"], &[]),
    language("SVG", "svg", &["svg"], &[]),
    language("Sass", "sass", &["less", "sass", "scss"], &[]),
    language("Scala", "scala", &["sbt", "scala"], &[]),
    language("Shell", "shell", &["bash", "fish", "ksh", "sh", "zsh"], &[".bashrc", ".profile", ".zshrc"]),
    language("Swift", "swift", &["swift"], &[]),
    language("TOML", "toml", &["toml"], &["Cargo.lock"]),
    language("TeX", "tex", &["bib", "cls", "sty", "tex"], &[]),
    language("TypeScript", "typescript", &["cts", "mts", "ts", "tsx"], &[]),
    language("XML", "xml", &["xml", "xsd", "xsl", "xslt"], &[]),
    language("YAML", "yaml", &["yaml", "yml"], &[]),
    language("Zig", "zig", &["zig", "zon"], &[]),
];
