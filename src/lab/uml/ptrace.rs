//! A `ptrace` for user-mode Linux alone, preloaded before libc's: it sets extended processor state of any size.
//! `build.rs` compiles this file as a shared library without the standard library; it is no module of lvsctl.
//!
//! User-mode Linux 6.x writes a process's floating point state with PTRACE_SETREGSET and NT_X86_XSTATE from a buffer of
//! fixed size. The kernel takes only the whole state of this processor (`xstateregs_set` in
//! arch/x86/kernel/fpu/regset.c), which is larger where the processor has AMX, and user-mode Linux then panics as soon
//! as user space starts. Here such a call is made again with the tracee's present state behind the caller's bytes.

#![no_std]

use core::arch::asm;
use core::ffi::{c_int, c_long, c_void};
use core::ptr::{addr_of_mut, copy_nonoverlapping};
use core::sync::atomic::{AtomicUsize, Ordering};

const SYS_PTRACE: c_long = 101;
const PEEK: core::ops::RangeInclusive<c_long> = 1..=3;
const GET_REGISTER_SET: c_long = 0x4204;
const SET_REGISTER_SET: c_long = 0x4205;
const NT_X86_XSTATE: usize = 0x202;
const EFAULT: c_long = -14;
const EINVAL: c_long = -22;

/// Larger than the state of any processor so far (11,008 bytes with AMX).
const CAPACITY: usize = 64 * 1024;

#[repr(C)]
struct IoVec {
    base: *mut c_void,
    length: usize,
}

/// Not on the stack: the stacks of user-mode Linux have 16 KiB. It traces from one thread only.
static mut STATE: [u8; CAPACITY] = [0; CAPACITY];

/// A length that the kernel has refused, so that it is not tried at each call.
static REFUSED: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" {
    fn __errno_location() -> *mut c_int;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// The system call itself: a result from -4095 to -1 is an error number.
unsafe fn system_call(request: c_long, pid: c_int, address: usize, data: *mut c_void) -> c_long {
    let result;
    // SAFETY: as ptrace(2) with the caller's arguments.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") SYS_PTRACE => result,
            in("rdi") request,
            in("rsi") c_long::from(pid),
            in("rdx") address,
            in("r10") data,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// The caller's first bytes of the state, and the tracee's own behind them.
unsafe fn set_whole_state(pid: c_int, part: &IoVec) -> c_long {
    // SAFETY: one thread, so nothing else uses the buffer; `part` is a buffer that the caller may read, as ptrace(2)
    // asks for, and shorter than the state that the kernel has just written.
    unsafe {
        let mut whole = IoVec {
            base: addr_of_mut!(STATE).cast(),
            length: CAPACITY,
        };
        let read = system_call(
            GET_REGISTER_SET,
            pid,
            NT_X86_XSTATE,
            (&raw mut whole).cast(),
        );
        if read < 0 {
            return read;
        }
        if part.length >= whole.length || whole.length == CAPACITY {
            return EINVAL;
        }
        copy_nonoverlapping(part.base.cast::<u8>(), whole.base.cast(), part.length);
        system_call(
            SET_REGISTER_SET,
            pid,
            NT_X86_XSTATE,
            (&raw mut whole).cast(),
        )
    }
}

unsafe fn set_state(pid: c_int, part: *mut IoVec) -> c_long {
    // SAFETY: the caller's pointer is what ptrace(2) asks for with this request.
    let part = unsafe { &mut *part };
    if REFUSED.load(Ordering::Relaxed) != part.length {
        // SAFETY: the caller's own call.
        let result = unsafe {
            system_call(
                SET_REGISTER_SET,
                pid,
                NT_X86_XSTATE,
                (&raw mut *part).cast(),
            )
        };
        if result != EFAULT && result != EINVAL {
            return result;
        }
    }
    // SAFETY: as above.
    let result = unsafe { set_whole_state(pid, part) };
    if result == 0 {
        REFUSED.store(part.length, Ordering::Relaxed);
    }
    result
}

/// ptrace(2) as libc has it.
///
/// # Safety
///
/// As for libc's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptrace(
    request: c_long,
    pid: c_int,
    address: usize,
    data: *mut c_void,
) -> c_long {
    // libc's first parameter is an enum: the upper half of its register holds anything.
    let request = c_long::from(request as c_int);
    let mut word: c_long = 0;
    let peeks = PEEK.contains(&request);
    // The system call stores the word; libc's function returns it.
    let data = if peeks { (&raw mut word).cast() } else { data };
    let writes_state = request == SET_REGISTER_SET && address == NT_X86_XSTATE && !data.is_null();
    // SAFETY: the caller's arguments, as ptrace(2) takes them.
    let result = unsafe {
        if writes_state {
            set_state(pid, data.cast())
        } else {
            system_call(request, pid, address, data)
        }
    };
    if result < 0 {
        // SAFETY: libc's, valid in every thread.
        unsafe { *__errno_location() = -result as c_int };
        return -1;
    }
    if peeks {
        // SAFETY: as above. It distinguishes a word of -1 from an error.
        unsafe { *__errno_location() = 0 };
        return word;
    }
    result
}
