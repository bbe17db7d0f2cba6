# vgt: record and replay of virtio-gpu 3D command streams. `make help` lists the targets.
VERSION := 0.1.0

CC      ?= cc
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
DESTDIR ?=

ifdef SANITIZE
BUILD := build/sanitize$(if $(filter thread,$(SANITIZE)),-thread)
SANITIZE_FLAGS := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
else
BUILD := build
endif
ifdef V
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n'
endif

# where vgt finds what belongs to it: from the prefix, so that it can be moved
libdir_of_vgt := $(patsubst $(PREFIX)/%,%,$(LIBDIR))/vgt

warnings := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Werror=vla
cppflags := -D_GNU_SOURCE -DVGT_VERSION='"$(VERSION)"' -DVGT_LIBDIR='"$(libdir_of_vgt)"' \
	-DVIRGL_RENDERER_UNSTABLE_APIS -Iformat -Ihost-capture -Ireplay -Ireplay/suite \
	-Iguest-icd/escape -Iguest-icd/driver/core -Iguest-icd/driver/linux
compile = $(CC) -std=c11 $(warnings) $(cppflags) $(CPPFLAGS) $(CFLAGS) $(room_flags) $(SANITIZE_FLAGS) -fPIC -pthread
link = $(CC) $(CFLAGS) $(SANITIZE_FLAGS) $(LDFLAGS) -pthread

# The sources, by what they become. Each file is compiled once, position-independent.
format_src := $(addprefix format/,vgt_address.c vgt_capsets.c vgt_desc.c vgt_err.c vgt_index.c vgt_lfs.c vgt_model.c vgt_reader.c \
	vgt_record_check.c vgt_record_desc.c vgt_recover.c vgt_ring.c vgt_scan.c vgt_sink.c \
	vgt_transfer.c vgt_validate.c vgt_writer.c virgl_caps.c virgl_desc.c virgl_format.c)
capture_src := $(addprefix host-capture/,capture_facts.c capture_start.c vgt_capture.c vgt_device.c)
preload_src := host-capture/preload.c
vtest_src := host-capture/vtest_connect.c
# what compares pictures
compare_src := compare.c compare_draw.c compare_files.c compare_filter.c compare_flip.c compare_rows.c compare_ssim.c compare_yiq.c \
	interrupt.c new_file.c png_image.c png_read.c png_rows.c processor.c
vgt_src := $(addprefix replay/,$(compare_src) bound_state.c cache_path.c capset_json.c child.c child_log.c \
	cmd_compare.c cmd_cut.c cmd_doctor.c cmd_dump.c cmd_help.c cmd_info.c cmd_record.c cmd_recover.c \
	cmd_repack.c cmd_replay.c cmd_shaders.c cmd_test.c cmd_test_help.c cmd_verify.c companion.c describe.c \
	describe_json.c directory.c doctor_gl.c doctor_machine.c doctor_renderer.c doctor_report.c doctor_vm.c \
	dump_filter.c dump_line.c find_program.c frame_rule.c junit.c new_trace.c \
	player_fact.c player_run.c preload_library.c private_display.c private_vtest.c \
	progress.c qemu_modules.c record_capset.c recorded_traces.c recording_watch.c ring_directory.c \
	run_program.c shader_list.c \
	suite/suite.c \
	suite/suite_attempt.c \
	suite/suite_commands.c \
	suite/suite_expect.c \
	suite/suite_fetch.c \
	suite/suite_frames.c \
	suite/suite_goldens.c \
	suite/suite_html.c \
	suite/suite_information.c \
	suite/suite_jobs.c \
	suite/suite_kept.c \
	suite/suite_manifest.c \
	suite/suite_merge.c \
	suite/suite_outputs.c \
	suite/suite_renderer.c \
	suite/suite_report.c \
	suite/suite_result.c \
	suite/suite_result_json.c \
	suite/suite_results.c \
	suite/suite_run.c \
	suite/suite_select.c \
	suite/suite_session.c \
	suite/suite_strays.c \
	suite/suite_trial.c \
	suite/suite_update.c \
	suite/suite_update_apply.c \
	suite/suite_update_run.c \
	terminal.c tolerance.c trace_store.c trace_summary.c trace_summary_json.c \
	trace_summary_text.c vgt.c vgt_cmd.c vgt_json.c vgt_text.c)
player_src := $(addprefix replay/,companion.c interrupt.c new_file.c player.c player_backing.c \
	player_capset.c player_picture.c player_probe.c png_image.c vgt_text.c)
window_src := replay/player_window.c
guest_core_src := $(addprefix guest-icd/driver/core/,client.c client_context.c client_object.c client_resource.c \
	client_submit.c dispatch.c dispatch_2017.c display.c fence_timeline.c gpu.c gpu_command.c handle_table.c \
	id_pool.c virtio_pci.c virtqueue.c)
guest_model_src := $(addprefix guest-icd/driver/linux/,device_model.c model_gpu.c model_platform.c)
guest_replay_src := $(addprefix guest-icd/driver/linux/,guest_replay.c guest_replay_objects.c \
	guest_replay_run.c sysfs_platform.c)

obj = $(patsubst %.c,$(BUILD)/%.o,$(1))
format_lib := $(BUILD)/libvgt-format.a
pkg = $(shell pkg-config $(1) $(2))

programs := $(BUILD)/vgt $(BUILD)/vgt-player
libraries := $(BUILD)/libvgt-capture.so $(BUILD)/libvgt-capture.a $(BUILD)/libvgt-preload.so \
	$(BUILD)/libvgt-vtest.so $(BUILD)/vgt-window.so
unit_tests := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))
helpers := $(addprefix $(BUILD)/tests/,mkpng mktrace planted same_stream same_trace upstream_headers virgl_client \
	bench_compare bench_device bench_hook guest_bench libscanout-hook.so stub/libvirglrenderer.so.1)

manual := $(BUILD)/man/vgt.1

.PHONY: all check check-all check-qemu10 check-newcomer check-wine bench fuzz lint install uninstall deb help demo deps clean \
	check-unit check-headers check-includes test-programs always

## all: build everything into build/
all: $(programs) $(libraries) $(manual)

$(BUILD)/%.o: %.c Makefile
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(compile) $(cflags_$(notdir $*)) -MMD -MP -c $< -o $@

# LIBDIR may be another than that of the last make: it is in this file only.
$(BUILD)/replay/companion.o: $(BUILD)/libdir
$(BUILD)/libdir: always
	@mkdir -p $(@D)
	@echo '$(libdir_of_vgt)' | cmp -s - $@ || echo '$(libdir_of_vgt)' >$@

# The driver core runs in a kernel: no C library but memcpy and memset, no floating point, small frames.
$(call obj,$(guest_core_src)): room_flags = -ffreestanding -mgeneral-regs-only -Wframe-larger-than=1024

# Loops over pixels: vectors, and no fused multiplications, so that all processors give the same numbers.
$(call obj,$(addprefix replay/,compare_filter.c compare_flip.c compare_rows.c compare_ssim.c compare_yiq.c)): room_flags = -O3 -ffp-contract=off

cflags_preload := $(call pkg,--cflags,virglrenderer)
cflags_player := $(call pkg,--cflags,virglrenderer epoxy)
cflags_player_picture := $(cflags_player)
cflags_player_backing := $(cflags_player)
cflags_player_probe := $(cflags_player)
cflags_player_window := $(call pkg,--cflags,sdl2 x11)
cflags_stub_virglrenderer := $(cflags_preload)
cflags_scanout_hook := $(cflags_player)
cflags_virgl_client := $(cflags_preload)
cflags_guest_bench := $(call pkg,--cflags,libdrm)

$(format_lib): $(call obj,$(format_src))
	$(say) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/libvgt-guest.a: $(call obj,$(guest_core_src))
	$(say) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/libvgt-guest-model.a: $(call obj,$(guest_model_src))
	$(say) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^

# the files that it takes in, as they are
$(BUILD)/replay/report/page.o: replay/report/page.S $(addprefix replay/report/page.,html css js) Makefile
	$(say) AS $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

$(BUILD)/vgt: $(call obj,$(vgt_src)) $(BUILD)/replay/report/page.o $(format_lib)
	$(say) LINK $@
	$(Q)$(link) -o $@ $^ $(call pkg,--libs,spng json-c mxml libmd libzstd libxxhash) -lm

$(BUILD)/vgt-player: $(call obj,$(player_src)) $(format_lib)
	$(say) LINK $@
	$(Q)$(link) -Wl,--export-dynamic-symbol='vgt_*' -o $@ $^ \
		$(call pkg,--libs,virglrenderer epoxy spng libzstd libxxhash)

# What it takes of vgt it takes from the player, which loads it.
$(BUILD)/vgt-window.so: $(call obj,$(window_src))
	$(say) LINK $@
	$(Q)$(link) -shared -o $@ $^ $(call pkg,--libs,sdl2 x11)

$(BUILD)/libvgt-capture.a: $(call obj,$(capture_src) $(format_src))
	$(say) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/libvgt-capture.so: $(call obj,$(capture_src) $(format_src)) host-capture/libvgt-capture.map
	$(say) LINK $@
	$(Q)$(link) -shared -Wl,-soname,libvgt-capture.so.0 -Wl,--no-undefined \
		-Wl,--version-script=host-capture/libvgt-capture.map -o $@ $(filter %.o,$^) \
		$(call pkg,--libs,libzstd libxxhash)
	$(Q)ln -sf libvgt-capture.so $(BUILD)/libvgt-capture.so.0

$(BUILD)/libvgt-preload.so: $(call obj,$(preload_src) $(capture_src) $(format_src)) \
		host-capture/libvgt-preload.map
	$(say) LINK $@
	$(Q)$(link) -shared -Wl,--version-script=host-capture/libvgt-preload.map -o $@ \
		$(filter %.o,$^) $(call pkg,--libs,libzstd libxxhash) -ldl

$(BUILD)/libvgt-vtest.so: $(call obj,$(vtest_src))
	$(say) LINK $@
	$(Q)$(link) -shared -o $@ $^ -ldl

# The manual: a page for each command, made of its help text, and the files in replay/man.
source_date = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y Makefile))
$(manual): $(BUILD)/vgt replay/make_man replay/help_to_man.awk $(wildcard replay/man/*)
	$(say) MAN $(@D)
	$(Q)rm -rf $(@D) $(@D).new && \
		replay/make_man $(BUILD)/vgt $(VERSION) $$(date -u -d @$(source_date) +%F) $(@D).new && mv $(@D).new $(@D)

# Tests

tests_extra_test_caps := $(addprefix replay/,capset_json.c describe.c describe_json.c vgt_json.c vgt_text.c)
tests_extra_test_compare := $(addprefix replay/,$(compare_src) tolerance.c vgt_text.c)
tests_extra_test_compare_metrics := $(tests_extra_test_compare)
tests_extra_test_capture := host-capture/vgt_capture.c
tests_extra_test_device := $(capture_src)
tests_extra_test_manifest := $(addprefix replay/,frame_rule.c suite/suite_expect.c suite/suite_manifest.c tolerance.c vgt_text.c)
tests_extra_test_png_rows := replay/png_rows.c
tests_extra_test_shader_list := replay/shader_list.c
guest_libs := $(BUILD)/libvgt-guest-model.a $(BUILD)/libvgt-guest.a
$(BUILD)/tests/test_guest_%: $(BUILD)/tests/test_guest_%.o $(guest_libs) $(format_lib)
	$(say) LINK $@
	$(Q)$(link) -o $@ $^ $(call pkg,--libs,cmocka libzstd libxxhash)

$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(format_lib)
	$(say) LINK $@
	$(Q)$(link) -o $@ $< $(call obj,$(tests_extra_test_$*)) $(format_lib) \
		$(call pkg,--libs,cmocka spng json-c libzstd libxxhash) -lm
$(BUILD)/tests/test_caps: $(call obj,$(tests_extra_test_caps))
$(BUILD)/tests/test_compare: $(call obj,$(tests_extra_test_compare))
$(BUILD)/tests/test_compare_metrics: $(call obj,$(tests_extra_test_compare_metrics))
$(BUILD)/tests/test_capture: $(call obj,$(tests_extra_test_capture))
$(BUILD)/tests/test_device: $(call obj,$(tests_extra_test_device))
$(BUILD)/tests/test_manifest: $(call obj,$(tests_extra_test_manifest))
$(BUILD)/tests/test_png_rows: $(call obj,$(tests_extra_test_png_rows))
$(BUILD)/tests/test_shader_list: $(call obj,$(tests_extra_test_shader_list))

# Into the guest it goes without libraries; sanitizers are not to be had so.
$(BUILD)/guest-replay: $(call obj,$(guest_replay_src)) $(guest_libs) $(format_lib)
	$(say) LINK $@
	$(Q)$(link) $(if $(SANITIZE),,-static) -o $@ $^ $(call pkg,--libs,libzstd libxxhash)

$(BUILD)/tests/bench_compare $(BUILD)/tests/mkpng $(BUILD)/tests/planted: $(BUILD)/tests/%: $(BUILD)/tests/%.o \
		$(call obj,$(tests_extra_test_compare)) $(format_lib)
	$(say) LINK $@
	$(Q)$(link) -o $@ $^ $(call pkg,--libs,spng) -lm

$(BUILD)/tests/upstream_headers: $(call obj,tests/upstream_headers.c) $(format_lib)
	$(say) LINK $@
	$(Q)$(link) -o $@ $^

$(BUILD)/tests/same_stream $(BUILD)/tests/same_trace: $(BUILD)/tests/%: $(BUILD)/tests/%.o $(format_lib)
	$(say) LINK $@
	$(Q)$(link) -o $@ $^ $(call pkg,--libs,libzstd libxxhash)

$(BUILD)/tests/guest_bench: $(call obj,tests/guest_bench.c guest-icd/driver/linux/sysfs_platform.c) $(BUILD)/libvgt-guest.a
	$(say) LINK $@
	$(Q)$(link) $(if $(SANITIZE),,-static) -o $@ $^

$(BUILD)/tests/libscanout-hook.so: $(call obj,tests/scanout_hook.c)
	$(say) LINK $@
	$(Q)$(link) -shared -o $@ $^ $(call pkg,--libs,virglrenderer epoxy libxxhash) -ldl

$(BUILD)/tests/virgl_client: $(call obj,tests/virgl_client.c)
	$(say) LINK $@
	$(Q)$(link) -o $@ $^ $(call pkg,--libs,virglrenderer libxxhash)

$(BUILD)/tests/bench_hook $(BUILD)/tests/bench_device $(BUILD)/tests/mktrace: $(BUILD)/tests/%: $(BUILD)/tests/%.o \
		$(call obj,$(capture_src)) $(format_lib)
	$(say) LINK $@
	$(Q)$(link) -o $@ $^ $(call pkg,--libs,libzstd libxxhash)

$(BUILD)/tests/stub/libvirglrenderer.so.1: $(call obj,tests/stub_virglrenderer.c)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(link) -shared -Wl,-soname,libvirglrenderer.so.1 -o $@ $^

test-programs: all $(unit_tests) $(helpers) $(BUILD)/guest-replay

## demo: install what is missing, build, replay the traces and compare them with their goldens
demo:
	@.ci/deps build
	@$(MAKE) --no-print-directory all
	@$(BUILD)/vgt test --out $(BUILD)/vgt-test-out traces

## check: all quick tests (unit, command line, corruption, replay of traces/)
check:
	@.ci/deps check
	@$(MAKE) --no-print-directory test-programs check-headers check-includes
	@tests/run check

## check-all: check, and the long ones (QEMU guests, real streams, upstream headers, kill storms, sanitizers)
check-all:
	@.ci/deps check-all
	@$(MAKE) --no-print-directory test-programs check-headers check-includes
	@tests/run check-all

## check-qemu10: the patches for QEMU 10.0, in a Debian 13 that this makes (as root, 40 minutes, 5 GB)
check-qemu10:
	@tests/qemu10

## check-newcomer: what README promises, in a bare Debian 12 that this makes (as root, 10 minutes, 4 GB)
check-newcomer:
	@tests/newcomer

## check-wine: OpenGL programs of others for Windows, under Wine, through the ICD (PROGRAMS='NAME...': only these)
check-wine:
	@.ci/deps check-all
	@guest-icd/icd/build
	@$(MAKE) --no-print-directory test-programs
	@tests/wine_programs $(PROGRAMS)

## bench: measure what tests/RESULTS.md says (BENCH=name for one)
bench:
	@.ci/deps check-all
	@$(MAKE) --no-print-directory test-programs
	@tests/bench $(BENCH)

## fuzz: run every fuzz target for FUZZ_SECONDS (60) each, with clang's libFuzzer
FUZZ_SECONDS ?= 60
fuzz:
	@.ci/deps fuzz
	@CFLAGS='$(subst ',,$(cppflags))' tests/fuzz $(FUZZ_SECONDS) $(format_src)

## lint: layout (clang-format), clang-tidy, shell scripts
lint:
	@.ci/deps lint
	@clang-format --dry-run -Werror $(lint_src)
	@printf '%s\n' $(filter-out tests/% guest-icd/icd/% guest-icd/demo/%,$(filter %.c,$(lint_src))) | xargs -P 2 -I {} \
		clang-tidy --quiet {} -- -std=c11 $(cppflags) $(cflags_player) 2>/dev/null
	@printf '%s\n' $(lint_windows) | xargs -P 2 -I {} \
		clang-tidy --quiet {} -- --target=x86_64-w64-mingw32 -std=c11 $(cppflags) 2>/dev/null
	@shellcheck -x $(lint_sh)
# not what needs Mesa's headers
lint_windows = $(filter-out %_winsys.c,$(wildcard guest-icd/icd/*.c guest-icd/demo/*.c))
lint_src = $(shell git ls-files -co --exclude-standard '*.[ch]')
lint_sh = .ci/run .ci/deps .ci/check-includes tests/run tests/bench tests/fuzz tests/kill_storm \
	replay/make_man replay/vgt.bash-completion .ci/deb \
	tests/plain_gl tests/programs tests/npm_packages tests/qemu10 tests/newcomer tests/wine_programs tests/debian_root.sh \
	.ci/debian-source.sh guest-icd/demo/programs guest-icd/icd/build host-capture/qemu/build tests/e2e/guest/build tests/e2e/wine/build \
	tests/e2e/guest/init tests/e2e/guest/run tests/e2e/guest/static_guest.sh $(wildcard tests/planted_stages.sh tests/cli/*.sh tests/e2e/*.sh traces/ci/*.sh)

# Every header compiles alone.
check-headers:
	$(Q)for header in format/*.h host-capture/*.h replay/*.h replay/suite/*.h guest-icd/escape/*.h guest-icd/driver/*/*.h; do \
		echo "#include \"$$(basename $$header)\"" | \
		$(compile) $(cflags_player) -Wno-undef -fsyntax-only -x c - || exit 1; done

# Who may include whom: format/ nobody else, host-capture/ and replay/ only format/; GL and
# virglrenderer stay in the player and the interposer.
check-includes:
	$(Q).ci/check-includes

share := $(PREFIX)/share
install_dirs := $(PREFIX)/bin $(LIBDIR)/vgt $(LIBDIR)/pkgconfig $(PREFIX)/include/vgt $(share)/doc/vgt \
	$(share)/man/man1 $(share)/man/man5 $(share)/bash-completion/completions
made_dirs := $(LIBDIR)/vgt/made-directories
# where files go, as words of the shell: DESTDIR may be any name
staged = $(foreach path,$(1),'$(DESTDIR)$(path)')

## install: into DESTDIR/PREFIX
install: all
	made=$$(for directory in $(install_dirs); do \
		while [ ! -d '$(DESTDIR)'"$$directory" ] && [ "$${directory#?}" ]; do \
			echo "$$directory"; directory=$$(dirname "$$directory"); done; done) && \
	install -d $(call staged,$(install_dirs)) && echo "$$made" >>$(call staged,$(made_dirs))
	install $(BUILD)/vgt $(call staged,$(PREFIX)/bin)
	install $(BUILD)/vgt-player $(call staged,$(LIBDIR)/vgt)
	install -m 644 $(BUILD)/libvgt-preload.so $(BUILD)/libvgt-vtest.so $(BUILD)/vgt-window.so \
		$(call staged,$(LIBDIR)/vgt)
	install -m 644 $(BUILD)/libvgt-capture.so $(call staged,$(LIBDIR)/libvgt-capture.so.0)
	ln -sf libvgt-capture.so.0 $(call staged,$(LIBDIR)/libvgt-capture.so)
	install -m 644 $(BUILD)/libvgt-capture.a $(call staged,$(LIBDIR))
	install -m 644 host-capture/vgt-capture.pc.in $(call staged,$(LIBDIR)/pkgconfig/vgt-capture.pc)
	sed -i -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' \
		$(call staged,$(LIBDIR)/pkgconfig/vgt-capture.pc)
	install -m 644 host-capture/vgt_capture.h host-capture/vgt_device.h format/vgt_err.h \
		format/vgt_trace.h format/virtio_gpu.h guest-icd/escape/vgt_escape.h \
		$(call staged,$(PREFIX)/include/vgt)
	install -m 644 README.md LICENSE format/FORMAT.md guest-icd/escape/ESCAPE.md $(call staged,$(share)/doc/vgt)
	install -m 644 host-capture/qemu/README.md $(call staged,$(share)/doc/vgt/qemu.md)
	sed -i $(installed_links) $(call staged,$(addprefix $(share)/doc/vgt/,README.md qemu.md))
	install -m 644 $(BUILD)/man/*.1 $(call staged,$(share)/man/man1)
	install -m 644 $(BUILD)/man/*.5 $(call staged,$(share)/man/man5)
	install -m 644 replay/vgt.bash-completion $(call staged,$(share)/bash-completion/completions/vgt)
	[ ! -d $(BUILD)/qemu ] || cp -R $(BUILD)/qemu $(call staged,$(LIBDIR)/vgt)

# Links to what is installed lead there; of others the text stays.
installed_links := -e 's|](format/FORMAT.md)|](FORMAT.md)|g' -e 's|](guest-icd/escape/ESCAPE.md)|](ESCAPE.md)|g' \
	-e 's|\[\([^]]*\)\](guest-icd/[a-z_/]*\.h)|\1|g' -e 's|](host-capture/qemu/README.md)|](qemu.md)|g' \
	-e 's|](host-capture/\(vgt_[a-z]*\.h\))|](../../../include/vgt/\1)|g' \
	-e 's|\[\([^]]*\)\]([a-z-]*/[A-Z]*\.md)|\1|g' -e 's|\[\([^]]*\)\](traces/ci)|\1|g' \
	-e 's|\[\([^]]*\)\](\.\./[a-z_]*\.h)|\1|g'

## uninstall: remove what install put there, and the directories that it made, where they are empty
uninstall:
	made=$$(LC_ALL=C sort -ru $(call staged,$(made_dirs)) 2>/dev/null); \
	rm -f $(call staged,$(PREFIX)/bin/vgt $(LIBDIR)/libvgt-capture.a $(LIBDIR)/libvgt-capture.so \
		$(LIBDIR)/libvgt-capture.so.0 $(LIBDIR)/pkgconfig/vgt-capture.pc $(share)/man/man1/vgt.1 \
		$(share)/man/man5/vgt-trace.5 $(share)/bash-completion/completions/vgt) \
		$(call staged,$(share)/man/man1)/vgt-*.1 && \
	rm -rf $(call staged,$(LIBDIR)/vgt $(PREFIX)/include/vgt $(share)/doc/vgt) && \
	echo "$$made" | while IFS= read -r directory; do [ ! "$$directory" ] || \
		[ ! -d '$(DESTDIR)'"$$directory" ] || \
		rmdir --ignore-fail-on-non-empty '$(DESTDIR)'"$$directory"; done

## deb: a Debian package of it, build/vgt_VERSION_ARCHITECTURE.deb
deb:
	@.ci/deps deb
	@.ci/deb $(VERSION)

## clean: remove build/
clean:
	rm -rf build

## help: this list
help:
	@sed -n 's/^## /  make /p' Makefile
	@echo '  variables: SANITIZE=address,undefined V=1 CC= CFLAGS= PREFIX= LIBDIR= DESTDIR='

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
