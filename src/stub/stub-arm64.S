// tsoci's hands on arm64: a loop that executes system calls it is told. The format of a program is described in
// stub-x64.S, as is what the launcher makes of the loop; control bits in program.ts.
//
//   x20  the operation at hand        x21  length of the program
//   w22  the control descriptor       x23  control bits of the operation at hand      x24  the buffer

        .set SYS_read, 63
        .set SYS_sendto, 206
        .set SYS_exit_group, 94
        .set MSG_NOSIGNAL, 0x4000
        .set EINTR, 4
        .set MAX_ERRNO, 4095
        .set CONTINUE_ON_ERROR_BIT, 0
        .set STOP_IF_POSITIVE_BIT, 1
        .set LAST_BIT, 2

        .weak _start, ended
        .globl drive
        .text
_start: mov     w0, #3
drive:  mov     w22, w0
        adrp    x24, buffer
        add     x24, x24, :lo12:buffer
read:   mov     x8, #SYS_read
        mov     w0, w22
        mov     x1, x24
        mov     x2, #buffer_size
        svc     #0
        cmn     x0, #EINTR
        b.eq    read
        mov     x21, x0
        cmp     x0, #0
        b.gt    first
end:    b       ended                   // with the result in x0

ended:  cmp     x0, #0                  // end of file: nobody drives us any more; an error: status 1
        cset    w0, ne
        mov     x8, #SYS_exit_group
        svc     #0
        brk     #0                      // a seccomp filter may deny even that

first:  mov     x20, x24
next:   ldr     x23, [x20, #56]
        ldr     x8, [x20]
        ldp     x0, x1, [x20, #8]
        tbz     x8, #63, call
        mov     w22, w0
        mov     x0, #0
        b       store
call:   ldp     x2, x3, [x20, #24]
        ldp     x4, x5, [x20, #40]
        svc     #0
store:  str     x0, [x20, #56]
        cbz     x0, done
        cmn     x0, #MAX_ERRNO
        b.hs    error                   // unsigned: -4095 to -1 are errors
        tbnz    x23, #STOP_IF_POSITIVE_BIT, reply
        b       done
error:  tbz     x23, #CONTINUE_ON_ERROR_BIT, reply
done:   add     x20, x20, #64
        tbz     x23, #LAST_BIT, next

reply:  mov     x8, #SYS_sendto
        mov     w0, w22
        mov     x1, x24
        mov     x2, x21
        mov     x3, #MSG_NOSIGNAL
        mov     x4, #0
        mov     x5, #0
        svc     #0
        tbz     x0, #63, read
        b       end                     // nobody to hear it, or a seccomp filter that denies it

        .set    buffer_size, 65536
        .bss
        .balign 4096
        .globl  buffer
buffer: .skip   buffer_size

        .section .note.GNU-stack, "", %progbits
