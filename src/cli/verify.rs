//! `photosfs verify`: is every original in a copy, byte for byte?

mod copy;
mod judge;

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::ExitCode;

use super::service::index_to_read;
use super::{Context, Failure};
use copy::Copy;
use judge::{Judgement, Original};

/// Check a copy: is every original in this folder, byte for byte, by Apple's own checksum?
#[derive(clap::Args)]
pub struct Args {
    /// The folder that holds the copy
    copy: PathBuf,
    /// Do not ask for what is in Recently Deleted
    #[arg(long)]
    except_deleted: bool,
    /// Print JSON with stable keys (docs/commands.md)
    #[arg(long)]
    json: bool,
}

pub fn run(context: &Context, args: Args) -> Result<ExitCode, Failure> {
    let index = index_to_read(&context.config()?)?;
    if !index.has_everything()? || !index.libraries()?.iter().all(|state| state.shown) {
        return Err(Failure::plain("the library has not been read completely yet", "run photosfs sync, then verify"));
    }
    let originals = originals(&index, args.except_deleted)?;
    let sizes: HashSet<u64> = originals.iter().map(|original| original.size).collect();
    let copy = Copy::read(&args.copy, |size| sizes.contains(&size));
    let copy = copy.map_err(|error| Failure::plain(error, "pass the folder that holds the copy"))?;
    let judgement = judge::judge(originals, &copy);
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(&judgement).expect("plain values only")),
        false => print(&judgement),
    }
    let sound = judgement.missing.is_empty() && judgement.damaged.is_empty();
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn originals(index: &crate::index::Index, except_deleted: bool) -> Result<Vec<Original>, Failure> {
    let mut originals = Vec::new();
    for (ino, resource) in index.resources()? {
        let path = index.path(ino)?.unwrap_or_default();
        let deleted = path.starts_with("Recently Deleted/") || path.contains("/Recently Deleted/");
        if !(except_deleted && deleted) {
            originals.push(Original { path, size: resource.size, checksum: resource.checksum });
        }
    }
    Ok(originals)
}

fn print(judgement: &Judgement) {
    let Judgement { originals, whole, size_only, missing, damaged, unreadable } = judgement;
    for path in missing {
        println!("missing  {path}");
    }
    for path in damaged {
        println!("damaged  {path}");
    }
    for trouble in unreadable {
        println!("cannot be read  {trouble}");
    }
    let (lacking, broken) = (missing.len(), damaged.len());
    println!("{originals} originals: {whole} whole, {size_only} by size only, {lacking} missing, {broken} damaged");
    if *size_only > 0 {
        println!("by size only: there and of the right size, but with a checksum that only Apple can compute");
    }
}
