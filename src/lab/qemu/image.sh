#!/bin/sh
# Run by mmdebstrap with the unpacked packages as $1. Writes beside them the kernel, its modules,
# and the first root file system.
# In: FOLDER (where the parts go), INIT (the text of the first program).
set -eu
umask 022
root=$1
version=$(ls "$root/lib/modules")
mv "$root/boot/vmlinuz-$version" "$FOLDER/vmlinuz"

# --- devices that no machine of QEMU's has
modules=$root/lib/modules/$version/kernel
rm -rf "$modules/sound" "$modules/drivers/gpu" "$modules/drivers/media" "$modules/drivers/infiniband" \
    "$modules/drivers/staging" "$modules/drivers/usb" "$modules/drivers/iio" "$modules/drivers/hwmon" \
    "$modules/drivers/net/wireless" "$modules/drivers/net/ethernet" "$modules/drivers/scsi" "$modules/drivers/target"
depmod -b "$root" "$version"

# --- what mounts this machine's file system, in the order of loading
first=$FOLDER/first
mkdir -p "$first/bin" "$first/modules" "$first/root" "$first/dev" "$first/proc"
mv "$root/bin/busybox" "$first/bin/busybox"
# Not in a pipe, which would hide a failure.
for module in virtio_pci virtio_net 9pnet_virtio 9p; do
    modprobe -d "$root" -S "$version" --show-depends "$module" >>"$FOLDER/needed"
done
# One that is built in has no file.
awk '$1 == "insmod" && !seen[$2]++ { print $2 }' "$FOLDER/needed" >"$FOLDER/files"
: >"$first/modules/order"
while read -r file; do
    cp "$file" "$first/modules/"
    basename "$file" >>"$first/modules/order"
done <"$FOLDER/files"
printf '%s' "$INIT" >"$first/init"
chmod 755 "$first/init"
(cd "$first" && find . | ./bin/busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$FOLDER/initrd"
rm -rf "$first" "$FOLDER/files" "$FOLDER/needed"

# --- modules alone; mmdebstrap still needs its folders
mv "$root/lib/modules" "$FOLDER/modules"
rm -rf "$root/usr" "$root/lib" "$root/boot" "$root/bin" "$root/sbin"
