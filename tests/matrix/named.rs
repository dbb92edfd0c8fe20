//! Inventories, and the tables of docs/topologies.md, name the rows that are here. Needs neither root nor a lab.

use std::collections::BTreeSet;
use std::path::Path;

use libtest_mimic::{Failed, Trial};

use crate::harness::{LONGEST_NAME, lab_name};
use crate::topologies::{ALL, NUMBERS, Topology, name_of};

const PAGE: &str = include_str!("../../docs/topologies.md");

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("named::no_two_rows_have_one_name", || {
            let mut seen = BTreeSet::new();
            match ALL.iter().find(|topology| !seen.insert(topology.name)) {
                Some(twice) => Err(format!("{} is there twice", twice.name).into()),
                None => Ok(()),
            }
        }),
        Trial::test("named::every_row_names_a_cluster", || {
            // The kernel's largest process id is 2^22.
            let names = ALL.iter().map(|row| lab_name(row.name, 1 << 22, 99));
            let too_long: Vec<String> = names.filter(|name| name.len() > LONGEST_NAME).collect();
            if !too_long.is_empty() {
                return Err(format!("{too_long:?}").into());
            }
            let cut = lab_name("nat-keepalived-trixie", 14242, 1);
            let whole = lab_name("dr", 14242, 1);
            if [&*cut, &*whole] != ["nat-keepalived-trix-test-14242-1", "dr-test-14242-1"] {
                return Err(format!("{cut}, {whole}").into());
            }
            Ok(())
        }),
        Trial::test("named::every_inventory_is_a_row", || {
            the_same("inventories/", shipped(), |topology| topology.inventory)
        }),
        Trial::test("named::the_page_links_to_every_inventory", || {
            let place = "the first table of docs/topologies.md";
            the_same(place, linked(), |topology| topology.inventory)
        }),
        Trial::test("named::the_page_numbers_the_inventories", || {
            let pairs = PAGE.lines().filter_map(|line| {
                let (numbers, rest) = line.strip_prefix("| T")?.split_once(" | [")?;
                let names = rest.split("inventories/").skip(1);
                let names = names.filter_map(|rest| Some(rest.split_once(".yaml")?.0.to_owned()));
                let numbers = numbers.split(", T").map(|n| format!("t{n}"));
                Some(numbers.zip(names).collect::<Vec<_>>())
            });
            let page: Vec<(String, String)> = pairs.flatten().collect();
            let here = NUMBERS
                .iter()
                .map(|(n, name)| ((*n).to_owned(), (*name).to_owned()));
            let here: Vec<(String, String)> = here.collect();
            if page != here {
                return Err(format!("the page has {page:?}, the matrix {here:?}").into());
            }
            let names = ["t2", "t15b", "t8-nft", "dr", "t99"].map(name_of);
            let want = ["dr-keepalived", "arp-neighbour", "fwmark-nft", "dr", "t99"];
            if names != want {
                return Err(format!("{names:?}").into());
            }
            Ok(())
        }),
        Trial::test("named::the_page_times_every_row", || {
            let place = "the tables of times in docs/topologies.md";
            the_same(place, timed(), |topology| topology.name)
        }),
    ]
}

fn the_same(
    place: &str,
    found: BTreeSet<String>,
    here: fn(&Topology) -> &'static str,
) -> Result<(), Failed> {
    let here: BTreeSet<String> = ALL.iter().map(|t| here(t).to_owned()).collect();
    if found == here {
        return Ok(());
    }
    let apart: Vec<&String> = found.symmetric_difference(&here).collect();
    Err(format!("{place} and tests/matrix/topologies.rs do not name the same: {apart:?}").into())
}

fn shipped() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventories");
    let files = std::fs::read_dir(folder).into_iter().flatten();
    let paths = files.filter_map(|entry| Some(entry.ok()?.path()));
    let yaml = paths.filter(|path| path.extension().is_some_and(|end| end == "yaml"));
    let names = yaml.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    names.collect()
}

fn linked() -> BTreeSet<String> {
    let links = PAGE.split("](../inventories/").skip(1);
    let names = links.filter_map(|rest| Some(rest.split_once(".yaml)")?.0.to_owned()));
    names.collect()
}

fn timed() -> BTreeSet<String> {
    // A dash stands for a row that is not timed yet.
    let ends = [" s |", " | - |"];
    let rows = PAGE
        .lines()
        .filter(|line| ends.iter().any(|end| line.ends_with(end)));
    let names = rows.filter_map(|row| row.split(' ').nth(1).map(str::to_owned));
    names.collect()
}
