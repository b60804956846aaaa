//! Makes the static files ready to be sent: each under a name with a hash of what is in it, compressed in two ways.
//!
//! So nothing of it is done at run time, neither at the start nor for a request, and the best compression is affordable.

use std::{env, fmt::Write as _, fs, io::Write as _, path::Path};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};

/// What the files of `static/` are, by the ends of their names.
fn media_type(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=static");
    let (here, out) = (env::var("CARGO_MANIFEST_DIR")?, env::var("OUT_DIR")?);
    let mut table = "const FILES: &[Asset] = &[\n".to_owned();
    let mut files = fs::read_dir(Path::new(&here).join("static"))?.collect::<Result<Vec<_>, _>>()?;
    files.sort_by_key(fs::DirEntry::file_name);
    for file in files {
        let (plain, name) = (file.path(), file.file_name().to_string_lossy().into_owned());
        let content = fs::read(&plain)?;
        let hash = Sha256::digest(&content)[..8].iter().fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
        let (stem, extension) = name.rsplit_once('.').ok_or("a file without an extension")?;
        let media_type = media_type(extension).ok_or_else(|| format!("what is static/{name}?"))?;
        let [brotli, gzip] = ["br", "gz"].map(|way| Path::new(&out).join(format!("{name}.{way}")));
        fs::write(&brotli, brotli_of(&content)?)?;
        fs::write(&gzip, gzip_of(&content)?)?;
        let [plain, brotli, gzip] = [plain, brotli, gzip].map(|path| path.display().to_string());
        writeln!(
            table,
            "    Asset {{ name: {name:?}, url: \"/static/{stem}.{hash}.{extension}\", media_type: {media_type:?}, \
             plain: include_bytes!({plain:?}), brotli: include_bytes!({brotli:?}), gzip: include_bytes!({gzip:?}) }},"
        )?;
    }
    table.push_str("];\n");
    Ok(fs::write(Path::new(&out).join("assets.rs"), table)?)
}

fn brotli_of(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut compressed, 4096, 11, 22);
    writer.write_all(content)?;
    drop(writer);
    Ok(compressed)
}

fn gzip_of(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}
