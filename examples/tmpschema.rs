fn main() {
    print!("{}", lvsctl::inventory::markdown());
}
