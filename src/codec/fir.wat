;; Output after output of a polyphase filter: the products of `taps` samples with the weights of its phase, summed up, rounded and saturated.
;; `line` and `weights` are 32-bit floats, `taps` a multiple of 8; the n-th output stands `whole` samples into the line, and `rest` of `up` further on.
(module
  (memory (export "memory") 20)
  (func (export "run")
    (param $line i32) (param $weights i32) (param $taps i32) (param $out i32)
    (param $whole i32) (param $count i32) (param $rest i32) (param $up i32) (param $wholeStep i32) (param $restStep i32)
    (result i32)
    (local $sum v128) (local $other v128) (local $sample i32) (local $weight i32) (local $end i32) (local $to i32) (local $row i32)
    (local.set $to (local.get $out))
    (local.set $row (i32.shl (local.get $taps) (i32.const 2)))
    (block $done
      (loop $output
        (br_if $done (i32.ge_s (local.get $whole) (local.get $count)))
        (local.set $sample (i32.add (local.get $line) (i32.shl (local.get $whole) (i32.const 2))))
        (local.set $weight (i32.add (local.get $weights) (i32.mul (local.get $rest) (local.get $row))))
        (local.set $end (i32.add (local.get $weight) (local.get $row)))
        (local.set $sum (v128.const f32x4 0 0 0 0))
        (local.set $other (v128.const f32x4 0 0 0 0))
        ;; Eight taps in two sums: one would wait for itself.
        (loop $eight
          (local.set $sum
            (f32x4.add (local.get $sum) (f32x4.mul (v128.load (local.get $sample)) (v128.load (local.get $weight)))))
          (local.set $other
            (f32x4.add (local.get $other) (f32x4.mul (v128.load offset=16 (local.get $sample)) (v128.load offset=16 (local.get $weight)))))
          (local.set $sample (i32.add (local.get $sample) (i32.const 32)))
          (br_if $eight (i32.lt_u (local.tee $weight (i32.add (local.get $weight) (i32.const 32))) (local.get $end))))
        (local.set $sum (f32x4.add (local.get $sum) (local.get $other)))
        (local.set $sum
          (f32x4.add (local.get $sum) (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $sum) (local.get $sum))))
        (local.set $sum
          (f32x4.add (local.get $sum) (i8x16.shuffle 4 5 6 7 0 1 2 3 4 5 6 7 0 1 2 3 (local.get $sum) (local.get $sum))))
        (local.set $sum (i32x4.trunc_sat_f32x4_s (f32x4.nearest (local.get $sum))))
        (i32.store16 (local.get $to) (i16x8.extract_lane_s 0 (i16x8.narrow_i32x4_s (local.get $sum) (local.get $sum))))
        (local.set $to (i32.add (local.get $to) (i32.const 2)))
        (local.set $whole (i32.add (local.get $whole) (local.get $wholeStep)))
        (local.set $rest (i32.add (local.get $rest) (local.get $restStep)))
        (if (i32.ge_s (local.get $rest) (local.get $up))
          (then
            (local.set $rest (i32.sub (local.get $rest) (local.get $up)))
            (local.set $whole (i32.add (local.get $whole) (i32.const 1)))))
        (br $output)))
    (i32.shr_u (i32.sub (local.get $to) (local.get $out)) (i32.const 1))))
