# tsoci's hands on x86-64: a loop that executes system calls it is told.
#
# A program is one message on the control socket: an array of 64-byte operations, then their data.
#
#   offset  0  the call's number; negative: no call, the control descriptor becomes argument 0
#           8  six arguments; a pointer points into the buffer, whose address is fixed
#          56  control bits, replaced by the result
#
# The reply is the same message with results in place of the control bits. Control bits: see program.ts.
#
#   %ebx  the operation at hand       %r13d  length of the program
#   %r14d the control descriptor      %r15   control bits of the operation at hand
#
# The launcher is linked with the same loop. It has a start and an end of its own, enters at drive with the control
# descriptor in %edi, and does not return: no operation and nothing behind it looks at the stack.

        .set SYS_read, 0
        .set SYS_sendto, 44
        .set SYS_exit_group, 231
        .set MSG_NOSIGNAL, 0x4000
        .set EINTR, 4
        .set MAX_ERRNO, 4095
        .set CONTINUE_ON_ERROR, 1
        .set STOP_IF_POSITIVE, 2
        .set LAST, 4

        .weak _start, ended
        .globl drive
        .text
_start: mov     $3, %edi
drive:  mov     %edi, %r14d
read:   xor     %eax, %eax
        mov     %r14d, %edi
        mov     $buffer, %esi
        mov     $buffer_size, %edx
        syscall
        cmp     $-EINTR, %rax
        je      read
        mov     %eax, %r13d
        test    %rax, %rax
        jg      first
end:    mov     %rax, %rdi
        jmp     ended

ended:  test    %rdi, %rdi              # end of file: nobody drives us any more; an error: status 1
        setne   %dil
        movzbl  %dil, %edi
        mov     $SYS_exit_group, %eax
        syscall
        ud2                             # a seccomp filter may deny even that

first:  mov     $buffer, %ebx
next:   mov     56(%rbx), %r15
        mov     (%rbx), %rax
        mov     8(%rbx), %rdi
        test    %rax, %rax
        jns     call
        mov     %edi, %r14d
        xor     %eax, %eax
        jmp     store
call:   mov     16(%rbx), %rsi
        mov     24(%rbx), %rdx
        mov     32(%rbx), %r10
        mov     40(%rbx), %r8
        mov     48(%rbx), %r9
        syscall
store:  mov     %rax, 56(%rbx)
        test    %rax, %rax
        jz      done
        cmp     $-MAX_ERRNO, %rax
        mov     $CONTINUE_ON_ERROR, %ecx
        jae     judge                   # unsigned: -4095 to -1 are errors
        mov     $STOP_IF_POSITIVE, %ecx
        test    %r15d, %ecx             # a positive result stops where asked to
        jnz     reply
        jmp     done
judge:  test    %r15d, %ecx             # an error stops unless told to go on
        jz      reply
done:   add     $64, %ebx
        test    $LAST, %r15b
        jz      next

reply:  mov     $SYS_sendto, %eax
        mov     %r14d, %edi
        mov     $buffer, %esi
        mov     %r13d, %edx
        mov     $MSG_NOSIGNAL, %r10d
        xor     %r8d, %r8d
        xor     %r9d, %r9d
        syscall
        test    %rax, %rax
        jns     read
        jmp     end                     # nobody to hear it, or a seccomp filter that denies it

        .set    buffer_size, 65536
        .bss
        .balign 4096
        .globl  buffer
buffer: .skip   buffer_size

        .section .note.GNU-stack, "", @progbits
