fn main() {
    for a in std::env::args().skip(1) {
        match lvsctl::inventory::load(a.as_ref(), lvsctl::inventory::BUILT_IN_ROLES) {
            Ok(l) => {
                println!("ok {}", l.cluster.name);
                for w in l.warnings {
                    println!("{}", w.render(100, false))
                }
            }
            Err(e) => println!("{e}\n{}", e.render(100, false)),
        }
    }
}
