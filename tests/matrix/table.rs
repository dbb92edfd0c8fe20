//! The table of results: a row a topology, a column a step.

pub(crate) struct Row {
    pub name: &'static str,
    pub cells: Vec<Cell>,
}

pub(crate) struct Cell {
    step: &'static str,
    /// None: it failed.
    seconds: Option<f64>,
}

impl Cell {
    pub(crate) fn passed(step: &'static str, seconds: f64) -> Self {
        Self {
            step,
            seconds: Some(seconds),
        }
    }

    pub(crate) fn failed(step: &'static str) -> Self {
        Self {
            step,
            seconds: None,
        }
    }

    fn shown(&self) -> String {
        self.seconds
            .map_or_else(|| "FAILED".to_owned(), |s| format!("{s:.0} s"))
    }
}

impl Row {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            cells: Vec::new(),
        }
    }

    pub(crate) fn passed(&self) -> bool {
        self.failed().is_none()
    }

    /// The step that failed.
    pub(crate) fn failed(&self) -> Option<&'static str> {
        let failed = self.cells.iter().find(|cell| cell.seconds.is_none())?;
        Some(failed.step)
    }
}

const STEPS: [&str; 11] = [
    "up", "plan", "apply", "rerun", "verify", "network", "reboot", "again", "own", "edit",
    "destroy",
];

fn cells(row: &Row) -> Vec<String> {
    let cell = |step: &&str| {
        let found = row.cells.iter().find(|cell| cell.step == *step);
        found.map_or_else(|| "-".to_owned(), Cell::shown)
    };
    STEPS.iter().map(cell).collect()
}

/// One row, when it has ended.
pub(crate) fn line(row: &Row) -> String {
    let word = if row.passed() { "passed" } else { "FAILED" };
    let pairs = STEPS.iter().zip(cells(row));
    let text: Vec<String> = pairs.map(|(step, cell)| format!("{step} {cell}")).collect();
    format!("{}: {word} ({})", row.name, text.join(", "))
}

/// All rows, in Markdown, as the documents show it.
pub(crate) fn whole(rows: &[Row]) -> String {
    let mut text = format!(
        "| topology | {} |\n|---|{}\n",
        STEPS.join(" | "),
        "---|".repeat(STEPS.len())
    );
    for row in rows {
        text.push_str(&format!("| {} | {} |\n", row.name, cells(row).join(" | ")));
    }
    text
}
