#!/bin/busybox sh
# The first program of the lab's machine in QEMU: mounts the file system of the machine that runs QEMU, and starts the
# lab's init program from it.
# In: lab_init (its path; `none` for a trial), and its arguments.
bb=/bin/busybox

end() {
    echo "lab: $*"
    $bb poweroff -f
}

[ "$lab_init" = none ] && end "the trial has passed"
while read -r module; do
    $bb insmod "/modules/$module" || end "the module $module cannot be loaded"
done </modules/order
$bb mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=512000 root /root ||
    end "the file system of the machine that runs QEMU cannot be mounted"
exec $bb switch_root /root "$lab_init" "$@"
