//! Completions and manual pages, generated from the command line itself.

use crate::cli::Line;
use crate::failure::{Done, Failure};
use clap::CommandFactory;
use std::io::Write;
use std::path::Path;

pub(crate) fn completions(shell: clap_complete::Shell) -> Done {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Line::command(), "continuo", &mut text);
    // A closed pipe has seen enough.
    let _ = std::io::stdout().write_all(&text);
    Ok(())
}

pub(crate) fn pages(folder: Option<&Path>) -> Done {
    match folder {
        None => {
            let mut text = Vec::new();
            let rendered = clap_mangen::Man::new(Line::command()).render(&mut text);
            rendered.map_err(Failure::file("write the manual page to", Path::new("memory")))?;
            let _ = std::io::stdout().write_all(&text);
            Ok(())
        }
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(Failure::file("make the folder", folder))?;
            clap_mangen::generate_to(Line::command(), folder).map_err(Failure::file("write manual pages to", folder))
        }
    }
}
